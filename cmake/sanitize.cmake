# dcs_sanitize(TARGET SCOPE SANITIZER): compiles and links with AddressSanitizer and UndefinedBehaviorSanitizer (address) or ThreadSanitizer (thread).
# What they find ends the program.
function(dcs_sanitize target scope sanitizer)
  if(sanitizer STREQUAL "address")
    set(flags -fsanitize=address,undefined -fno-sanitize-recover=all)
  elseif(sanitizer STREQUAL "thread")
    set(flags -fsanitize=thread)
  else()
    message(FATAL_ERROR "DCS_SANITIZE is \"${sanitizer}\"; expected address or thread")
  endif()
  target_compile_options(${target} ${scope} $<$<COMPILE_LANGUAGE:CXX>:${flags} -fno-omit-frame-pointer>)
  target_link_options(${target} ${scope} ${flags})
endfunction()
