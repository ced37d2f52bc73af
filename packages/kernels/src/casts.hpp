// Moving elements between memory of any dtype and strides and packed tiles of a compute class.
#pragma once
#include "primitives.hpp"

namespace flambeau {

// dst[r * pitch + c] = src[r * rowStride + c * colStride], converted to the class. Strides count elements of src's dtype.
using LoadFn = void (*)(void* dst, int64_t pitch, const char* src, int64_t rows, int64_t rowStride, int64_t cols, int64_t colStride);
// dst[r * rowStride + c * colStride] = src[r * cols + c], converted from the class.
using StoreFn = void (*)(char* dst, int64_t rowStride, int64_t colStride, const void* src, int64_t rows, int64_t cols);

LoadFn loadFor(int computeClass, DType dtype);
StoreFn storeFor(int computeClass, DType dtype);

constexpr DType kClassDType[kComputeClasses] = {DType::f32, DType::f64, DType::i32, DType::i64};

}  // namespace flambeau
