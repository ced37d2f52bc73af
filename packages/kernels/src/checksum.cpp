// CRC-32 of zip files (reflected polynomial 0xEDB88320), eight bytes at a time.
#include "kernel.hpp"

namespace flambeau {
namespace {

struct Tables {
  uint32_t of[8][256];
  constexpr Tables() : of() {
    for (uint32_t i = 0; i < 256; i++) {
      uint32_t crc = i;
      for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (crc & 1 ? 0xEDB88320u : 0);
      of[0][i] = crc;
    }
    for (int k = 1; k < 8; k++)
      for (int i = 0; i < 256; i++) of[k][i] = (of[k - 1][i] >> 8) ^ of[0][of[k - 1][i] & 255];
  }
};
constexpr Tables tables;

}  // namespace

// crc32(x, crc): slot 1 is the checksum of the contiguous bytes x, going on from that of the bytes before.
KERNEL(crc32) {
  const TensorArg x = args.tensor();
  uint32_t crc = ~uint32_t(args.i64());
  if (x.dtype != DType::u8 || !x.contiguous()) return kUnsupported;
  const uint8_t* p = x.as<uint8_t>();
  const int64_t n = x.numel();
  const auto& t = tables.of;
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const uint32_t low = crc ^ (p[i] | p[i + 1] << 8 | p[i + 2] << 16 | uint32_t(p[i + 3]) << 24);
    crc = t[7][low & 255] ^ t[6][low >> 8 & 255] ^ t[5][low >> 16 & 255] ^ t[4][low >> 24] ^ t[3][p[i + 4]] ^ t[2][p[i + 5]] ^
          t[1][p[i + 6]] ^ t[0][p[i + 7]];
  }
  for (; i < n; i++) crc = (crc >> 8) ^ t[0][(crc ^ p[i]) & 255];
  args.result(1, double(uint32_t(~crc)));
  return kOk;
}

}  // namespace flambeau
