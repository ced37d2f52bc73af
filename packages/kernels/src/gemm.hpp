// Matrix multiplication, C = A B or C += A B, with any element strides on all three.
#pragma once
#include <cstdint>

namespace flambeau {

// A is m x k, B is k x n, C is m x n; rs and cs are the strides of rows and columns in elements and may be 0 on A and B.
// T is float, double, uint32_t or uint64_t (integers wrap). False means out of memory. Every element of C is a sum whose
// order depends on the shape and strides alone, never on the number of threads.
template <class T>
bool gemm(int64_t m, int64_t n, int64_t k, const T* a, int64_t ars, int64_t acs, const T* b, int64_t brs, int64_t bcs, T* c,
          int64_t crs, int64_t ccs, bool accumulate);

}  // namespace flambeau
