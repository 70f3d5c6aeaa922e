// What Postgres tells valgrind about its memory, told to the address sanitizer: a piece that was freed inside a block,
// a page that was let go, is memory that nobody may read. dev/build-server builds servers of the kind 'sanitizer' with
// this in place of valgrind's header.
#pragma once

#include <sanitizer/asan_interface.h>

#define VALGRIND_MAKE_MEM_NOACCESS(address, size) __asan_poison_memory_region((address), (size))
#define VALGRIND_MAKE_MEM_UNDEFINED(address, size) __asan_unpoison_memory_region((address), (size))
#define VALGRIND_MAKE_MEM_DEFINED(address, size) __asan_unpoison_memory_region((address), (size))
#define VALGRIND_MEMPOOL_ALLOC(pool, address, size) __asan_unpoison_memory_region((address), (size))
#define VALGRIND_MEMPOOL_CHANGE(pool, old_address, address, size) __asan_unpoison_memory_region((address), (size))
#define VALGRIND_MEMPOOL_FREE(pool, address) ((void)0) // whoever frees a piece knows its size, and says so
#define VALGRIND_CREATE_MEMPOOL(pool, redzones, zeroed) ((void)0)
#define VALGRIND_DESTROY_MEMPOOL(pool) ((void)0)
#define VALGRIND_MEMPOOL_TRIM(pool, address, size) ((void)0)
#define VALGRIND_CHECK_MEM_IS_DEFINED(address, size) 0
#define VALGRIND_GET_VBITS(address, bits, size) 0
#define RUNNING_ON_VALGRIND 0
