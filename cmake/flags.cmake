# Warnings, hardening and sanitizers, for every target of the tree.
add_compile_options(
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes
  -Wmissing-prototypes -Wformat=2 -Wvla -Wundef -Wcast-qual -Wwrite-strings
  )
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  add_compile_options(-Wlogical-op)
endif()
if(LURKER_WERROR)
  add_compile_options(-Werror)
endif()

add_compile_definitions(_GNU_SOURCE LURKER_VERSION="${PROJECT_VERSION}")
add_compile_options(-fno-strict-aliasing -fstack-protector-strong)
add_link_options(-Wl,-z,relro,-z,now -Wl,--as-needed)
add_link_options($<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:-pie>)

if(LURKER_SANITIZE)
  add_compile_options(-fsanitize=${LURKER_SANITIZE} -fno-sanitize-recover=all
                      -fno-omit-frame-pointer -g)
  add_link_options(-fsanitize=${LURKER_SANITIZE})
elseif(CMAKE_BUILD_TYPE STREQUAL "Release" OR CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
  add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
endif()
if(LURKER_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
