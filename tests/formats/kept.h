// Files of tests/formats: hex of bytes once written. A file that is missing is written where AERODB_UPDATE=1 is set;
// one that exists is never changed.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "common/base/bytes.h"

namespace aerodb::formats {

inline const std::string kFolder = "tests/formats/";

// Hex, 32 bytes a line.
inline std::string as_lines(ByteSpan bytes) {
  std::string text;
  for (size_t at = 0; at < bytes.size(); at += 32)
    text += to_hex(bytes.subspan(at, std::min<size_t>(32, bytes.size() - at))) + '\n';
  return text;
}

inline Bytes kept(const std::string& name, ByteSpan written_today) {
  const std::string path = kFolder + name + ".hex";
  if (std::getenv("AERODB_UPDATE") != nullptr && !std::filesystem::exists(path))
    std::ofstream(path) << as_lines(written_today);
  std::ifstream file(path);
  EXPECT_TRUE(file) << path;
  std::string hex;
  for (std::string line; std::getline(file, line);) hex += line;
  auto bytes = from_hex(hex);
  EXPECT_TRUE(bytes && !bytes->empty()) << path;
  return bytes.value_or(Bytes());
}

}  // namespace aerodb::formats
