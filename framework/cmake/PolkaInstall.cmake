# What an installed Polka is: the front door's headers, the library twice, polka-codegen, polka, and two ways to find them.
include(CMakePackageConfigHelpers)

set(POLKA_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/polka)
set_target_properties(polka_static PROPERTIES EXPORT_NAME polka)
set_target_properties(polka_shared PROPERTIES EXPORT_NAME polka_shared)

install(DIRECTORY include/polka DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp")
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/include/polka/version.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/polka)
install(TARGETS polka_static polka_shared EXPORT polka-targets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET polka_codegen)
  set_target_properties(polka_codegen PROPERTIES EXPORT_NAME codegen)
  install(TARGETS polka_codegen EXPORT polka-targets RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(EXPORT polka-targets NAMESPACE polka:: DESTINATION ${POLKA_CMAKE_DIR})

configure_package_config_file(cmake/polka-config.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/polka-config.cmake
  INSTALL_DESTINATION ${POLKA_CMAKE_DIR} NO_SET_AND_CHECK_MACRO)
# While 0.x each minor version is an ABI of its own.
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/polka-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/polka-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/polka-config-version.cmake
  cmake/PolkaServices.cmake cmake/PolkaAvro.cmake DESTINATION ${POLKA_CMAKE_DIR})

# Found from where the file lies, so that `cmake --install --prefix` and a moved folder both work.
file(RELATIVE_PATH POLKA_PC_TO_PREFIX /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
configure_file(cmake/polka.pc.in ${CMAKE_CURRENT_BINARY_DIR}/polka.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/polka.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
