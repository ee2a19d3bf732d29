#pragma once

namespace tideline::test {

/// Whether memory and behaviour are checked while tests run, which makes long ones take minutes. Such a test may then do a part of its
/// work that goes through the same code; the whole is done in the other builds.
#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool is_sanitized = true;
#elif defined(__has_feature)
inline constexpr bool is_sanitized = __has_feature(address_sanitizer);
#else
inline constexpr bool is_sanitized = false;
#endif

}  // namespace tideline::test
