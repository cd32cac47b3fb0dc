# polka_add_service() and polka_add_test(): the whole build of a service, in this tree or against an installed Polka.

set(POLKA_ALLOCATOR "mimalloc" CACHE STRING "Allocator linked into services: mimalloc, tcmalloc, jemalloc or system")
set_property(CACHE POLKA_ALLOCATOR PROPERTY STRINGS mimalloc tcmalloc jemalloc system)

# Emitting the wrong struct is only a warning in gcc 12 and clang 14; in a service it is an error.
function(polka_service_options target)
  target_compile_options(${target} PRIVATE -Wall -Wextra $<$<COMPILE_LANGUAGE:C>:-Werror=incompatible-pointer-types
    -Werror=int-conversion -Werror=implicit-function-declaration>)
endfunction()

# polka_link_allocator(TARGET): the fast allocator in front of libc's. librdkafka allocates once a header and frees on
# another thread, which costs less by these. Left out under sanitizers, which bring their own.
function(polka_link_allocator target)
  if(POLKA_ALLOCATOR STREQUAL "system" OR "${POLKA_SANITIZE} ${CMAKE_C_FLAGS} ${CMAKE_EXE_LINKER_FLAGS}" MATCHES "fsanitize|address|thread|memory")
    return()
  endif()
  if(NOT POLKA_ALLOCATOR MATCHES "^(mimalloc|tcmalloc|jemalloc)$")
    message(FATAL_ERROR "POLKA_ALLOCATOR is '${POLKA_ALLOCATOR}'; it is one of mimalloc, tcmalloc, jemalloc, system")
  endif()
  set(name ${POLKA_ALLOCATOR})
  set(package lib${POLKA_ALLOCATOR}-dev)
  if(POLKA_ALLOCATOR STREQUAL "tcmalloc")
    set(name tcmalloc_minimal)             # without the profilers, and what they need
    set(package libgoogle-perftools-dev)
  endif()
  find_library(POLKA_LIBRARY_${POLKA_ALLOCATOR} ${name})
  if(NOT POLKA_LIBRARY_${POLKA_ALLOCATOR})
    message(FATAL_ERROR "lib${name} is not here: apt-get install ${package}, or -DPOLKA_ALLOCATOR=system")
  endif()
  # Nothing refers to it by name, so --as-needed (the default of some distributions) would drop it.
  target_link_options(${target} BEFORE PRIVATE "LINKER:--push-state,--no-as-needed,${POLKA_LIBRARY_${POLKA_ALLOCATOR}},--pop-state")
endfunction()

# Written once all folders are read: <build>/polka/services.json, by which `polka dev` and the others find the services.
function(polka_write_services)
  get_property(services GLOBAL PROPERTY POLKA_SERVICES)
  set(rows "")
  foreach(service ${services})
    list(APPEND rows "  {\"name\": \"${service}\", \"path\": \"$<TARGET_FILE:${service}>\"}")
  endforeach()
  list(JOIN rows ",\n" text)
  file(GENERATE OUTPUT ${CMAKE_BINARY_DIR}/polka/services.json CONTENT "[\n${text}\n]\n")
endfunction()

# polka_add_service(NAME SOURCES main.c handlers.c [EVENTS targets of polka_avro_generate …] [LIBRARIES …]):
# the executable bin/NAME. All sources but main.c are also the object library NAME_handlers, which tests link.
function(polka_add_service name)
  cmake_parse_arguments(SERVICE "" "" "SOURCES;EVENTS;LIBRARIES" ${ARGN})
  if(NOT SERVICE_SOURCES)
    message(FATAL_ERROR "polka_add_service(${name} …) needs SOURCES, for example SOURCES main.c handlers.c")
  endif()
  set(main ${SERVICE_SOURCES})
  list(FILTER main INCLUDE REGEX "(^|/)main\\.(c|cc|cpp|cxx)$")
  set(handlers ${SERVICE_SOURCES})
  list(FILTER handlers EXCLUDE REGEX "(^|/)main\\.(c|cc|cpp|cxx)$")
  if(handlers AND main)
    add_library(${name}_handlers OBJECT ${handlers})
    polka_service_options(${name}_handlers)
    target_link_libraries(${name}_handlers PUBLIC ${SERVICE_EVENTS} ${SERVICE_LIBRARIES} polka::polka)
    add_executable(${name} ${main})
    target_link_libraries(${name} PRIVATE ${name}_handlers)
  else()
    add_executable(${name} ${SERVICE_SOURCES})
  endif()
  polka_service_options(${name})
  target_link_libraries(${name} PRIVATE ${SERVICE_EVENTS} ${SERVICE_LIBRARIES} polka::polka)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
  polka_link_allocator(${name})

  get_property(services GLOBAL PROPERTY POLKA_SERVICES)
  if(NOT services)
    cmake_language(DEFER DIRECTORY ${CMAKE_SOURCE_DIR} CALL polka_write_services)
  endif()
  set_property(GLOBAL APPEND PROPERTY POLKA_SERVICES ${name})
endfunction()

# polka_add_test(NAME SOURCES … [SERVICES a b c] [EVENTS …] [LIBRARIES …]): a Criterion program on the handlers of one service, or
# of several (a choreography); ctest label "shop" or what LABELS says. No broker, no threads, virtual time. Runs in CMAKE_SOURCE_DIR.
function(polka_add_test name)
  cmake_parse_arguments(T "" "" "SOURCES;SERVICES;EVENTS;LIBRARIES;LABELS" ${ARGN})
  if(DEFINED POLKA_BUILD_TESTS AND NOT POLKA_BUILD_TESTS)
    return()
  endif()
  if(NOT TARGET PkgConfig::POLKA_CRITERION)
    find_package(PkgConfig REQUIRED)
    pkg_check_modules(POLKA_CRITERION REQUIRED IMPORTED_TARGET GLOBAL criterion)
  endif()
  add_executable(${name} ${T_SOURCES})
  foreach(service ${T_SERVICES})
    if(NOT TARGET ${service}_handlers)
      message(FATAL_ERROR "polka_add_test(${name} … SERVICES ${service}): no service '${service}' with sources beside main.c; "
        "give polka_add_service(${service} SOURCES main.c handlers.c …) first")
    endif()
    target_link_libraries(${name} PRIVATE ${service}_handlers)
  endforeach()
  polka_service_options(${name})
  target_link_libraries(${name} PRIVATE ${T_EVENTS} ${T_LIBRARIES} polka::polka PkgConfig::POLKA_CRITERION)
  if(NOT T_LABELS)
    set(T_LABELS shop)
  endif()
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES LABELS "${T_LABELS}" TIMEOUT 300)
endfunction()
