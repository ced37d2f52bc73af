/** float16 and bfloat16 as 16-bit patterns. Rounding is to nearest, ties to even, as in the C++ kernels. */

const float = new Float32Array(1)
const bits = new Uint32Array(float.buffer)

export function floatToBFloat16(value: number): number {
  float[0] = value
  const x = bits[0]
  if ((x & 0x7fffffff) > 0x7f800000) return 0x7fc0
  return ((x + 0x7fff + ((x >>> 16) & 1)) >>> 16) & 0xffff
}

export function bfloat16ToFloat(pattern: number): number {
  bits[0] = pattern << 16
  return float[0]
}

export function floatToHalf(value: number): number {
  float[0] = value
  const x = bits[0]
  const sign = (x >>> 16) & 0x8000
  const magnitude = x & 0x7fffffff
  if (magnitude > 0x7f800000) return sign | 0x7e00
  if (magnitude >= 0x477ff000) return sign | 0x7c00
  if (magnitude < 0x38800000) {
    // Subnormal: adding 0.5 lines the mantissa up with binary16's lowest bit and rounds in hardware.
    bits[0] = magnitude
    float[0] = float[0] + 0.5
    return sign | (bits[0] - 0x3f000000)
  }
  return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13)
}

export function halfToFloat(pattern: number): number {
  const sign = (pattern & 0x8000) << 16
  const magnitude = pattern & 0x7fff
  if (magnitude >= 0x7c00) bits[0] = sign | 0x7f800000 | ((magnitude & 0x3ff) << 13)
  else if (magnitude < 0x400) {
    float[0] = magnitude * 2 ** -24
    bits[0] |= sign
  } else bits[0] = sign | ((magnitude << 13) + 0x38000000)
  return float[0]
}
