# Builds and installs the extension with PGXS.
#
#   make && make install                      against the pg_config in PATH
#   make PG_CONFIG=/path/to/pg_config         against another server
#   make WERROR=1                             warnings are errors
#   make with_llvm=no                         without the bitcode that servers with LLVM can inline from; as good at work
#   make MEGA_PRECOMPILED=no                  every header is read anew for every file: slower, for compiler caches
#   make ASSERTIONS=1                         the standard library checks its preconditions: for tests
#   make -f ../../Makefile                    out of tree, in the current directory
#   make installcheck                         regression and isolation tests on a running server
#   TAP_TESTS=1 make installcheck             the same and the TAP tests

top := $(patsubst %/,%,$(dir $(firstword $(MAKEFILE_LIST))))

EXTENSION = mega
MODULE_big = mega
PGFILEDESC = "mega - credits, identity and generations"

# The version is stated once, in mega.control.
MEGA_VERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'.*/\1/p" $(top)/mega.control)

# One room per face of the product; src/core is pure C++, src/pg the door to Postgres.
rooms = core pg schema identity ledger credits studio admin moving
# src/module.cpp stands above the rooms: it knows them all, none knows it.
sources := $(top)/src/module.cpp $(sort $(foreach room,$(rooms),$(wildcard $(top)/src/$(room)/*.cpp $(top)/src/$(room)/*/*.cpp)))
OBJS = $(patsubst $(top)/%.cpp,%.o,$(sources))

# The install script is the rooms' SQL in this order. A file that does not exist is left out;
# dev/check complains about a file that is not named here.
sql_parts = schema/begin schema/predicates identity/identity ledger/ledger credits/credits \
	studio/studio admin/admin moving/moving schema/schema schema/end
sql_files := $(foreach part,$(sql_parts),$(wildcard $(top)/src/$(part).sql))
install_script = mega--$(MEGA_VERSION).sql
DATA_built = $(install_script)

# Regression tests run in the order of sql/schedule; every spec under test/isolation runs.
REGRESS := $(if $(wildcard $(top)/sql/schedule),$(shell sed -n 's/^test: *//p' $(top)/sql/schedule))
ISOLATION := $(sort $(basename $(notdir $(wildcard $(top)/test/isolation/specs/*.spec))))
ISOLATION_OPTS = --inputdir=$(top)/test/isolation
PROVE_TESTS = test/t/*.pl

# PGDLLEXPORT: before PostgreSQL 16 the server's headers leave it empty, so hidden visibility
# would hide the entry points too.
PG_CPPFLAGS = -I$(top)/src -iquote . -DMEGA_VERSION='"$(MEGA_VERSION)"' \
	-D'PGDLLEXPORT=__attribute__((visibility("default")))'
PG_CXXFLAGS = -std=c++20 -Wall -Wextra $(shadow) -fvisibility=hidden -fno-semantic-interposition -MMD -MP
SHLIB_LINK += -lstdc++ -luriparser
EXTRA_CLEAN = $(OBJS:.o=.d) $(generated) precompiled.hpp precompiled.hpp.gch precompiled_bitcode.pch precompiled.d

ifneq ($(WERROR),)
PG_CXXFLAGS += -Werror
endif

ifneq ($(ASSERTIONS),)
PG_CPPFLAGS += -D_GLIBCXX_ASSERTIONS
endif

# g++ counts the server's global names (text, Name) as shadowed; clang++ does not, and looks at members.
# pg_config knows gcc's flags; clang++ must not stumble over those it does not have.
ifeq ($(findstring clang,$(CXX)),)
shadow = -Wshadow=local
# g++ 12 sees overruns in its own std::string that are none, and forgets in precompiled headers that it is its own.
PG_CXXFLAGS += -Wno-array-bounds -Wno-restrict -Wno-stringop-overflow
else
shadow = -Wshadow
PG_CXXFLAGS += -Wno-unknown-warning-option -Wno-ignored-optimization-argument
endif

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# The server's headers are not ours to warn about.
server_includes := $(includedir_server) $(includedir_internal)
override CPPFLAGS := $(filter-out $(addprefix -I,$(server_includes)),$(CPPFLAGS)) $(addprefix -isystem ,$(server_includes))

# PG_CXXFLAGS does not reach the bitcode that servers with LLVM ask for.
BITCODE_CXXFLAGS += -std=c++20 -fvisibility=hidden

# The headers that nearly every file of the rooms reads are compiled once for all (half of a build was spent on reading
# them): by $(CXX) for objects, by clang for bitcode. src/core is left out: it must not see Postgres.
MEGA_PRECOMPILED ?= yes
ifeq ($(MEGA_PRECOMPILED),yes)
room_objects := $(filter-out src/core/%,$(OBJS))
precompile = -w -x c++-header precompiled.hpp -o $@
$(room_objects): private override CXXFLAGS += -include precompiled.hpp
$(room_objects): precompiled.hpp.gch
$(room_objects:.o=.bc): private override BITCODE_CXXFLAGS += -Xclang -include-pch -Xclang precompiled_bitcode.pch
$(room_objects:.o=.bc): precompiled_bitcode.pch
precompiled.hpp: $(top)/Makefile $(top)/mega.control
	echo '#include "pg/precompiled.hpp"' > $@
# Not from a cache that knows texts without their comments: the compiler knows a header again by the whole of it.
precompiled.hpp.gch: precompiled.hpp
	CCACHE_DISABLE=1 $(CXX) $(CXXFLAGS) $(CPPFLAGS) -MF precompiled.d -MT $@ $(precompile)
precompiled_bitcode.pch: precompiled.hpp precompiled.hpp.gch
	$(CLANG) -Wno-ignored-attributes $(BITCODE_CXXFLAGS) $(CPPFLAGS) $(precompile)
-include precompiled.d
endif

# Out of tree only sources are looked for beside this file, never the products of a build in the tree.
srcdir := $(top)
override VPATH :=
vpath %.cpp $(top)
vpath %.control $(top)

# Objects of an out-of-tree build need their directories; bitcode follows its object, which
# knows the headers.
$(OBJS): $(top)/mega.control $(top)/Makefile | $(sort $(dir $(OBJS)))
$(sort $(dir $(OBJS))):
	$(MKDIR_P) $@
$(OBJS:.o=.bc): %.bc: %.o

$(install_script): $(sql_files) $(top)/mega.control $(top)/Makefile
	{ printf '%s\n' '\echo Use "CREATE EXTENSION mega" to load this file. \quit'; \
	  for part in $(sql_files); do echo; cat "$$part"; done; } > $@.tmp
	mv $@.tmp $@

# What the rooms' SQL says of a function, its C++ reads from there: who may call it, the places of its arguments.
generated = function_levels.inc function_arguments.hpp
$(OBJS): | $(generated)
$(generated): function_%: $(top)/src/functions.awk $(sql_files) $(top)/Makefile
	awk -v what=$(basename $*) -f $(filter-out %/Makefile,$^) > $@.tmp
	cmp -s $@.tmp $@ && rm $@.tmp || mv $@.tmp $@

-include $(OBJS:.o=.d)
