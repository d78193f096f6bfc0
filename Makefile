# Builds the extension with PGXS: make, make install, make unit, make lint, make installcheck, make dist.
#
#   PG_CONFIG=/path/to/pg_config   which server to build for
#   CXX=clang++                    another compiler (the server's own is the default)
#   BOOST_INCLUDEDIR=/path         where boost/ is, if the compiler does not find it
#   WERROR=1                       warnings are errors (as in CI)
#   EXTRA_CXXFLAGS=...             come last, as a distribution's hardening flags
#   T=conninfo                     `make unit`: only test/unit/conninfo_test.cpp
#   V=1                            show whole compile commands

MODULE_big = pgclone
EXTENSION = pgclone
# The first version, and what updates it: CREATE EXTENSION runs them one after the other.
DATA = $(sort $(wildcard sql/pgclone--*.sql))
PGFILEDESC = "pgclone - job server that clones tables"

# The SQL files of these folders become one generated source file.
embedded_sql_dirs = worker/catalog worker/table_catalog worker/source_queries worker/target_checks
embedded_sql = $(sort $(wildcard $(addsuffix /*.sql,$(embedded_sql_dirs))))
generated = worker/catalog_sql.hpp worker/catalog_sql.cpp

sources = $(sort $(wildcard shared/*.cpp sql_api/*.cpp worker/*.cpp) worker/catalog_sql.cpp)
OBJS = $(sources:.cpp=.o)
# Free of the server: what the unit tests link. (What calls the services of the server's side cannot
# be linked without it.)
calls_services := $(shell grep -l '"worker/worker_services.hpp"' worker/*.cpp worker/*.hpp)
pure_objects = $(patsubst %.cpp,%.o,$(filter-out %_pg.cpp $(calls_services:.hpp=.cpp),$(sources)))

# The server loads modules with RTLD_GLOBAL, so only what it looks up by name is visible. The list
# is made from the sources, so that no function can be forgotten.
SHLIB_EXPORTS = build/exports.txt
SHLIB_LINK = -L$(libdir) -lpq

PG_CONFIG ?= pg_config
libpq_includedir := $(shell $(PG_CONFIG) --includedir)
server_includedir := $(shell $(PG_CONFIG) --includedir-server)

# Headers that are not ours come in as system headers: our warnings are for our code. (As a system
# directory /usr/include would lose its place in the compiler's search order.)
system_includes = $(addprefix -isystem ,$(filter-out /usr/include,\
	$(server_includedir) $(libpq_includedir) $(BOOST_INCLUDEDIR)))

PG_CPPFLAGS = -I$(srcdir) $(system_includes) \
	-DBOOST_ASIO_DISABLE_VISIBILITY -DBOOST_ASIO_DISABLE_THREADS
# (mismatched-new-delete: a false alarm of g++ 12 at the frames of Asio's coroutines.)
PG_CXXFLAGS = -std=c++20 $(coroutine_flag) -Wall -Wextra -Wnon-virtual-dtor -Woverloaded-virtual \
	-Wno-register -Wno-missing-field-initializers -Wno-mismatched-new-delete \
	$(if $(findstring clang,$(CXX)),-Wno-unknown-warning-option) $(if $(filter 1,$(WERROR)),-Werror) \
	$(EXTRA_CXXFLAGS)
# g++ 10 has coroutines behind a switch of their own.
coroutine_flag = $(shell test "$(call has_coroutines)$(call has_coroutines,-fcoroutines)" = "noyes" \
	&& echo -fcoroutines)
has_coroutines = $(shell $(CXX) -std=c++20 $(1) -dM -E -x c++ /dev/null 2>/dev/null \
	| grep -q __cpp_impl_coroutine && echo yes || echo no)

# Bitcode would be compiled without our C++ flags, and the module is linked by the C++ compiler.
override with_llvm = no
override COMPILER = $(CXX) $(CXXFLAGS)
NO_INSTALLCHECK = 1

EXTRA_CLEAN = build $(generated) $(OBJS:.o=.d)

PGXS := $(shell $(PG_CONFIG) --pgxs)
ifeq ($(wildcard $(PGXS)),)
$(error PGXS not found: install the server's development files (postgresql-server-dev-NN) or set PG_CONFIG)
endif
include $(PGXS)

CCACHE ?= $(shell command -v ccache)

# --- compiling

Q = $(if $(filter 1,$(V)),,@echo "CXX $@";)

%.o: %.cpp
	$(Q)$(CCACHE) $(CXX) $(CXXFLAGS) $(CPPFLAGS) -MMD -MP -MF $(@:.o=.d) -c -o $@ $<

$(OBJS): | build/toolchain.stamp worker/catalog_sql.hpp
$(OBJS): Makefile

-include $(OBJS:.o=.d)

# Fails before anything is compiled, and says what is missing.
build/toolchain.stamp: tools/check_toolchain.sh
	@mkdir -p build
	@tools/check_toolchain.sh $(CXX) $(coroutine_flag) $(CPPFLAGS)
	@touch $@

# --- generated files

# The folders themselves are prerequisites: a file that was removed must disappear.
build/catalog_sql.stamp: tools/embed_sql.sh $(embedded_sql) $(wildcard $(embedded_sql_dirs))
	@mkdir -p build
	tools/embed_sql.sh worker/catalog_sql $(embedded_sql)
	@touch $@

$(generated): build/catalog_sql.stamp
	@test -f $@ || tools/embed_sql.sh worker/catalog_sql $(embedded_sql)

build/exports.txt: tools/list_exports.sh $(filter %_pg.cpp,$(sources))
	@mkdir -p build
	tools/list_exports.sh $(filter %_pg.cpp,$^) > $@.new
	@mv $@.new $@

# A source file that comes or goes changes what is linked, though no object is newer.
$(shlib): build/objects.list
build/objects.list: FORCE
	@mkdir -p build
	@echo $(OBJS) | cmp -s - $@ || echo $(OBJS) > $@
.PHONY: FORCE
FORCE:

# A name in the list that the module does not define would only be noticed by CREATE EXTENSION.
all: build/exports.stamp
build/exports.stamp: $(shlib) build/exports.txt tools/check_exports.sh
	tools/check_exports.sh $(shlib) build/exports.txt
	@touch $@

# --- instrumented builds: the same sources with other flags, beside the plain build

# make build/sanitize/pgclone.so and build/coverage/pgclone.so (test/instrumented.sh uses them)
variants = sanitize coverage
# (-O1 takes g++ two to three times as long for what is instrumented.)
sanitize_flags = -O0 -U_FORTIFY_SOURCE -fsanitize=address,undefined -fno-sanitize-recover=all
coverage_flags = -O0 -U_FORTIFY_SOURCE --coverage

define variant_rules
build/$(1)/%.o: %.cpp Makefile | build/toolchain.stamp worker/catalog_sql.hpp
	@mkdir -p $$(@D)
	$$(Q)$$(CCACHE) $$(CXX) $$(CXXFLAGS) $$(CPPFLAGS) $$($(1)_flags) -MMD -MP -MF $$(@:.o=.d) -c -o $$@ $$<

build/$(1)/pgclone.so: $$(OBJS:%=build/$(1)/%) build/exports.list build/objects.list
	$$(CXX) $$(CXXFLAGS) $$($(1)_flags) -shared -Wl,--version-script=build/exports.list -o $$@ \
		$$(OBJS:%=build/$(1)/%) $$(SHLIB_LINK)

# Only the objects that a test needs are taken from the archive.
build/$(1)/libpure.a: $$(pure_objects:%=build/$(1)/%) build/objects.list
	@rm -f $$@
	@$$(AR) crs $$@ $$(pure_objects:%=build/$(1)/%)

-include $$(OBJS:%.o=build/$(1)/%.d)
endef
$(foreach variant,$(variants),$(eval $(call variant_rules,$(variant))))

# --- tests

unit_sources = $(if $(T),$(T:%=test/unit/%_test.cpp),$(sort $(wildcard test/unit/*_test.cpp)))
# Unit tests always run under the sanitizers (or measure coverage).
UNIT_VARIANT ?= sanitize
unit_programs = $(unit_sources:test/unit/%.cpp=build/$(UNIT_VARIANT)/%)

# The tests themselves are compiled without optimisation: that takes a third of the time. Only what
# they test is instrumented.
build/unit/%.o: test/unit/%.cpp Makefile | build/toolchain.stamp worker/catalog_sql.hpp
	@mkdir -p $(@D)
	$(Q)$(CCACHE) $(CXX) $(CXXFLAGS) $(CPPFLAGS) -O0 -U_FORTIFY_SOURCE \
		-DDOCTEST_CONFIG_IMPLEMENT_WITH_MAIN= -MMD -MP -MF $(@:.o=.d) -c -o $@ $<

build/$(UNIT_VARIANT)/%_test: build/unit/%_test.o build/$(UNIT_VARIANT)/libpure.a
	@$(CXX) $(CXXFLAGS) $($(UNIT_VARIANT)_flags) -o $@ $^ $(SHLIB_LINK)

unit_objects = $(unit_sources:test/%.cpp=build/%.o)
.SECONDARY: $(unit_objects)
-include $(unit_objects:.o=.d)

# Fuzz targets are built by clang, which brings libFuzzer: make fuzz FUZZ_SECONDS=600
FUZZ_CXX ?= clang++
FUZZ_SECONDS ?= 10
fuzz_programs = $(patsubst test/fuzz/%.cpp,build/fuzz/%,$(sort $(wildcard test/fuzz/*_fuzz.cpp)))
fuzz_flags = -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
# What is free of coroutines, which that clang may not know.
fuzz_objects = $(patsubst shared/%.cpp,build/fuzz/%.o,$(filter-out %_pg.cpp,$(wildcard shared/*.cpp)))

build/fuzz/%.o: shared/%.cpp Makefile
	@mkdir -p $(@D)
	$(Q)$(CCACHE) $(FUZZ_CXX) $(PG_CPPFLAGS) $(fuzz_flags) -MMD -MP -MF $(@:.o=.d) -c -o $@ $<

build/fuzz/%_fuzz.o: test/fuzz/%_fuzz.cpp Makefile
	@mkdir -p $(@D)
	$(Q)$(CCACHE) $(FUZZ_CXX) $(PG_CPPFLAGS) $(fuzz_flags) -MMD -MP -MF $(@:.o=.d) -c -o $@ $<

build/fuzz/%_fuzz: build/fuzz/%_fuzz.o $(fuzz_objects)
	@$(FUZZ_CXX) $(fuzz_flags) -o $@ $^ $(SHLIB_LINK)

.SECONDARY: $(fuzz_objects) $(addsuffix .o,$(fuzz_programs))
-include $(fuzz_objects:.o=.d) $(addsuffix .d,$(fuzz_programs))

.PHONY: fuzz fuzz_programs
fuzz_programs: $(fuzz_programs)

fuzz: $(fuzz_programs)
	tools/run_fuzz.sh $(FUZZ_SECONDS) $(fuzz_programs)

.PHONY: unit unit_programs lint installcheck
unit_programs: $(unit_programs)

unit: $(unit_programs)
	@tools/run_unit_tests.sh $(unit_programs)

lint:
	test/lint.sh

# pgclone-VERSION.zip, for PGXN: what is committed.
.PHONY: dist
dist:
	@tools/make_dist.sh

# clang-tidy and cppcheck, and the flags that the former gets: ours, without what clang knows better
# or what the server's macros are to blame for.
.PHONY: analyze print_analysis_flags
analyze:
	PG_CONFIG=$(PG_CONFIG) tools/analyze.sh
print_analysis_flags:
	@echo $(PG_CXXFLAGS) $(CPPFLAGS) -U_FORTIFY_SOURCE -Wno-unused-parameter \
		-Wno-deprecated-volatile

# Starts its own servers, from the installed files.
installcheck:
	SKIP_INSTALL=1 PG_CONFIG=$(PG_CONFIG) test/all.sh pgtap
