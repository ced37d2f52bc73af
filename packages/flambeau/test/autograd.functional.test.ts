import { describe, expect, it } from 'vitest'
import * as torch from '../src/index.js'
import { autograd, type Tensor } from '../src/index.js'

const { hessian, hvp, jacobian, jvp, vhp, vjp } = autograd.functional
const x = torch.tensor([1, 2])
const one = torch.ones(2)
const lists = (value: unknown): unknown =>
  value instanceof torch.Tensor ? value.tolist() : (value as unknown[]).map((v) => lists(v))

describe('autograd.functional', () => {
  it('jacobian', () => {
    expect(lists(jacobian((a) => a.mul(a), x))).toEqual([
      [2, 0],
      [0, 4],
    ])
    const diagonal = [
      [1, 0],
      [0, 2],
    ]
    expect(lists(jacobian((a, b) => [a.mul(b), a.sum()], [x, x]))).toEqual([
      [diagonal, diagonal],
      [
        [1, 1],
        [0, 0],
      ],
    ])
    expect(lists(jacobian(() => one, x))).toEqual([
      [0, 0],
      [0, 0],
    ])
    expect(jacobian((a) => a.view(2, 1).mul(torch.ones(1, 3)), x).shape).toEqual([2, 3, 2])
    expect(() => jacobian(() => one, x, { strict: true })).toThrow(
      /^Output 0 of the user-provided function does not require gradients/,
    )
    expect(() => jacobian((a) => a.mul(2), [x, x], { strict: true })).toThrow(
      'Output 0 of the user-provided function is independent of input 1. This is not allowed in strict mode.',
    )
    const leaf = torch.tensor([1, 2], { requiresGrad: true })
    const [g] = autograd.grad(jacobian((a) => a.pow(3), leaf, { createGraph: true }).sum(), leaf)
    expect(g!.tolist()).toEqual([6, 12])
    expect(() => jacobian((a) => a.mul(2), leaf, { createGraph: true, strict: true })).toThrow(
      /The jacobian of the user-provided function is independent of input 0/,
    )
  })
  it('hessian', () => {
    expect(lists(hessian((a) => a.pow(3).sum(), x))).toEqual([
      [6, 0],
      [0, 12],
    ])
    const diagonal = [
      [2, 0],
      [0, 4],
    ]
    const zeros = [
      [0, 0],
      [0, 0],
    ]
    expect(lists(hessian((a, b) => a.pow(2).mul(b).sum(), [x, x]))).toEqual([
      [diagonal, diagonal],
      [diagonal, zeros],
    ])
    expect(() => hessian((a) => a.mul(2), x)).toThrow(
      'The Tensor returned by the function given to hessian should contain a single element',
    )
    expect(() => hessian((a) => [a.sum()] as unknown as Tensor, x)).toThrow(
      'The function given to hessian should return a single Tensor',
    )
    expect(() => hessian((a) => a.mul(2).sum(), x, { strict: true })).toThrow(
      /^While computing the hessian, found that the jacobian/,
    )
  })
  it('vjp and jvp', () => {
    const square = (a: Tensor): Tensor => a.mul(a)
    expect(lists(vjp(square, x, one))).toEqual([
      [1, 4],
      [2, 4],
    ])
    expect(lists(vjp((a) => square(a).sum(), x))).toEqual([5, [2, 4]])
    expect(lists(vjp(() => one, x, one))).toEqual([
      [1, 1],
      [0, 0],
    ])
    expect(lists(jvp(square, x, one))).toEqual([
      [1, 4],
      [2, 4],
    ])
    expect(lists(jvp((a, b) => [a.mul(b), b], [x, x], [one, torch.zeros(2)]))).toEqual([
      [
        [1, 4],
        [1, 2],
      ],
      [
        [1, 2],
        [0, 0],
      ],
    ])
    expect(() => vjp(square, x)).toThrow(
      'The vector v can only be None if the user-provided function returns a single Tensor with a single element.',
    )
    expect(() => vjp(square, x, torch.ones(3))).toThrow('v has invalid size: should be torch.Size([2]) but got torch.Size([3]).')
    expect(() => vjp(square, x, [one, one])).toThrow('The given v should contain a single Tensor.')
    expect(() => jvp(square, x)).toThrow(
      'The vector v can only be None if the input to the user-provided function is a single Tensor with a single element.',
    )
    expect(() => jvp((_, b) => b, [x, x], [one, one], { strict: true })).toThrow(
      'The output of the user-provided function is independent of input 0. This is not allowed in strict mode.',
    )
    expect(() => vjp(square, 3 as unknown as Tensor)).toThrow(
      /^The inputs given to vjp must be either a Tensor or a tuple of Tensors/,
    )
  })
  it('vhp and hvp', () => {
    expect(lists(vhp((a) => a.pow(3).sum(), x, one))).toEqual([9, [6, 12]])
    expect(lists(hvp((a) => a.pow(3).sum(), x, one))).toEqual([9, [6, 12]])
    expect(lists(hvp((a, b) => a.pow(3).mul(b).sum(), [x, x], [one, one]))).toEqual([
      17,
      [
        [9, 36],
        [3, 12],
      ],
    ])
    expect(lists(hvp((a) => a.sum(), x, one))).toEqual([3, [0, 0]])
    for (const product of [vhp, hvp]) {
      expect(() => product((a) => a.sum(), x, one, { strict: true })).toThrow(/^While computing the hessian/)
      expect(() => product((a) => a.pow(3), x, one)).toThrow(/should contain a single element$/)
    }
  })
})
