// The end of a header: see header_begin.inl. Deliberately without an include guard.
#if DCS_EXACT_MATH_ENDS
#if defined(__clang__)
#pragma float_control(pop)
#else
#pragma GCC pop_options
#endif
#endif

#pragma GCC diagnostic pop

#pragma pop_macro("min")
#pragma pop_macro("max")
#pragma pop_macro("near")
#pragma pop_macro("far")
#pragma pop_macro("small")
#pragma pop_macro("interface")
#pragma pop_macro("I")
