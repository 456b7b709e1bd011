// What reading and writing the small files of a data directory share. For node_directory.cc and
// make_directory.cc, decision.cc and keep_decision.cc.
#pragma once

#include <string>
#include <string_view>

#include "common/base/ids.h"

namespace aerodb::engine {

inline constexpr std::string_view kNodeMagic = "AERONODE";
inline constexpr std::string_view kCleanMagic = "AEROSTOP";
inline constexpr std::string_view kHaltMagic = "AEROHALT";
inline constexpr uint32_t kHaltFormat = 2;  // 1: without what was expected and found
inline constexpr std::string_view kFenceMagic = "AEROFENC";
inline constexpr std::string_view kAcceptedMagic = "AEROACPT";
inline constexpr std::string_view kDeclineMagic = "AERODECL";
inline constexpr std::string_view kDecisionMagic = "AERODCSN";

[[nodiscard]] std::string decline_name(Lsn seal_lsn);

}  // namespace aerodb::engine
