// What nearly every file of the rooms reads first, read once for all of them: the Makefile compiles it ahead. Nothing
// depends on it: every file still includes what it uses, and builds by itself (MEGA_BUNDLES=no, as dev/check has
// clang++ do).
#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <ranges>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "pg/heap_writer.hpp"
#include "pg/jsonb.hpp"
#include "pg/result.hpp"
#include "pg/spi.hpp"
#include "pg/trigger.hpp"
