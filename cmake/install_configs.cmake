# Part of an installation: units that name the programs where they are installed, and the cluster of configs/local as
# examples with the paths of an installed one. AERODB_CONFIGS is the folder configs, AERODB_MADE one to write in; without
# AERODB_EXPLAINER there is no explainer to run.
cmake_policy(VERSION 3.25)

# Installs a changed copy of `file` into `folder` below the prefix. ARGN: what is replaced, each followed by what by.
function(install_changed file folder)
  file(READ ${file} text)
  while(ARGN)
    list(POP_FRONT ARGN from to)
    string(REPLACE "${from}" "${to}" text "${text}")
  endwhile()
  get_filename_component(name ${file} NAME)
  file(WRITE ${AERODB_MADE}/${name} "${text}")
  file(INSTALL ${AERODB_MADE}/${name} DESTINATION ${CMAKE_INSTALL_PREFIX}/${folder})
endfunction()

file(GLOB units ${AERODB_CONFIGS}/systemd/*.service)
if(NOT AERODB_EXPLAINER)
  list(FILTER units EXCLUDE REGEX "/aerodb-explainer@\\.service$")
endif()
foreach(unit ${units})
  install_changed(${unit} lib/systemd/system "=/usr/bin/" "=${CMAKE_INSTALL_PREFIX}/bin/")
endforeach()
file(INSTALL ${AERODB_CONFIGS}/systemd/aerodb-@.service.d DESTINATION ${CMAKE_INSTALL_PREFIX}/lib/systemd/system)
foreach(kind sysusers tmpfiles)
  file(INSTALL ${AERODB_CONFIGS}/systemd/aerodb.${kind}.conf RENAME aerodb.conf
    DESTINATION ${CMAKE_INSTALL_PREFIX}/lib/${kind}.d)
endforeach()

file(GLOB examples ${AERODB_CONFIGS}/local/*.toml ${AERODB_CONFIGS}/local/after-switchover/*.toml)
if(NOT AERODB_EXPLAINER)
  list(FILTER examples EXCLUDE REGEX "/e1\\.toml$")
endif()
foreach(example ${examples})
  install_changed(${example} share/doc/aerodb/examples
    "unix:.cluster/" "unix:/run/aerodb/" ".cluster/" "/var/lib/aerodb/"
    " Relative to the working directory: start it from the project's root." " `aerodb init` makes it.")
endforeach()
