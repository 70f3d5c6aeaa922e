# Builds and installs the extension with PGXS.
#
#   make && make install                      against the pg_config in PATH
#   make PG_CONFIG=/path/to/pg_config         against another server
#   make WERROR=1                             warnings are errors
#   make with_llvm=yes                        with the bitcode that servers with LLVM look for: half as long again, for nothing
#   make MEGA_BUNDLES=no                      each file by itself, with the headers that it includes and no others: slower
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

# A file by itself takes the compiler longer for what all files share (headers, templates) than for what is its own. So a
# few are compiled as one: the files are dealt out, room by room, to as many bundles as the largest room has files. No
# bundle has two files of a room; the names that a file keeps to itself meet no other's, for each room is a namespace.
MEGA_BUNDLES ?= yes
ifeq ($(MEGA_BUNDLES),yes)
bundled := $(shell printf '%s\n' $(patsubst $(top)/src/%,%,$(sources)) | awk -F / '\
	{ file[NR] = $$0; if (++files[$$1] > most) most = files[$$1] } \
	END { for (i = 1; i <= NR; ++i) print i % most ":" file[i] }')
bundles := $(sort $(foreach file,$(bundled),bundles/$(firstword $(subst :, ,$(file))).cpp))
OBJS = $(bundles:.cpp=.o)
else
OBJS = $(patsubst $(top)/%.cpp,%.o,$(sources))
endif

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
EXTRA_CLEAN = $(OBJS:.o=.d) $(generated) bundles/*.cpp precompiled.hpp precompiled.hpp.gch precompiled_bitcode.pch precompiled.d

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
PG_CXXFLAGS += -Wno-array-bounds -Wno-restrict -Wno-stringop-overflow -Wno-stringop-overread
else
shadow = -Wshadow
PG_CXXFLAGS += -Wno-unknown-warning-option -Wno-ignored-optimization-argument
endif

# Servers built with LLVM ask for bitcode, of which they inline what a query calls often. PostgreSQL 15 inlines no function
# of mega (as jit_dump_bitcode shows), and making it takes more than half as long again: only who asks gets it.
ifneq ($(origin with_llvm),command line)
override with_llvm = no
endif

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# The server's headers are not ours to warn about.
server_includes := $(includedir_server) $(includedir_internal)
override CPPFLAGS := $(filter-out $(addprefix -I,$(server_includes)),$(CPPFLAGS)) $(addprefix -isystem ,$(server_includes))

# PG_CXXFLAGS does not reach the bitcode that servers with LLVM ask for.
BITCODE_CXXFLAGS += -std=c++20 -fvisibility=hidden

ifeq ($(MEGA_BUNDLES),yes)
$(bundles): bundles/%.cpp: look | bundles/
	@printf '#include "%s"\n' $(patsubst $*:%,%,$(filter $*:%,$(bundled))) > $@.tmp
	@cmp -s $@.tmp $@ && rm $@.tmp || mv $@.tmp $@
.PHONY: look

# The headers that nearly every file reads are compiled once for all bundles: by $(CXX) for objects, by clang for bitcode.
precompile = -w -x c++-header precompiled.hpp -o $@
$(OBJS): private override CXXFLAGS += -include precompiled.hpp
$(OBJS): precompiled.hpp.gch
$(OBJS:.o=.bc): private override BITCODE_CXXFLAGS += -Xclang -include-pch -Xclang precompiled_bitcode.pch
$(OBJS:.o=.bc): precompiled_bitcode.pch
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
vpath src/%.cpp $(top)
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
