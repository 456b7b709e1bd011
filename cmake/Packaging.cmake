# What `make install` puts where, and the Debian package of the same files. Only for builds without planted faults.

install(TARGETS aerodb aerodb-primary aerodb-replica aerodb-shipper aerodb-controlplane RUNTIME DESTINATION bin)
if(AERODB_EXPLAINER)
  install(TARGETS aerodb-explainer RUNTIME DESTINATION bin)
endif()
install(DIRECTORY docs DESTINATION share/doc/aerodb)
install(FILES README.md LICENSE cmake/debian/copyright DESTINATION share/doc/aerodb)
install(DIRECTORY configs/examples/ DESTINATION share/doc/aerodb/examples)
# The prefix is known at installation only, and units and example configurations name absolute paths.
install(CODE "set(AERODB_CONFIGS [[${CMAKE_SOURCE_DIR}/configs]])
  set(AERODB_MADE [[${CMAKE_BINARY_DIR}/installed]])
  set(AERODB_EXPLAINER ${AERODB_EXPLAINER})")
install(SCRIPT cmake/install_configs.cmake)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME aerodb)
set(CPACK_PACKAGE_CONTACT "AeroDB maintainers <maintainers@aerodb.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "replicated document database that explains its answers")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
  "Documents with schemas, one primary, replicas that prove what they serve. Every
answer, refusal and recovery can be asked for its reasons, and a witness checks
them against the log. Installing it starts nothing and enables nothing.")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION database)
# systemd for systemd-sysusers and systemd-tmpfiles; the libraries are found by dpkg-shlibdeps.
set(CPACK_DEBIAN_PACKAGE_DEPENDS systemd)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  ${CMAKE_SOURCE_DIR}/cmake/debian/postinst ${CMAKE_SOURCE_DIR}/cmake/debian/postrm)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_STRIP_FILES ON)
# Installed with DESTDIR, so that what names the prefix names /usr.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
include(CPack)
