/** Pictures of coloured shapes. */

import type { Tensor } from 'flambeau'
import * as torch from 'flambeau'

const radius = (u: Tensor, v: Tensor): Tensor => u.square().add(v.square())
const farther = (u: Tensor, v: Tensor): Tensor => u.abs().maximum(v.abs())
const nearer = (u: Tensor, v: Tensor): Tensor => u.abs().minimum(v.abs())
const between = (low: number, t: Tensor, high: number): Tensor => t.gt(low).logicalAnd(t.lt(high))

/** Which points of the plane belong to each shape. All have about the size of the unit circle. */
const shapes = {
  disc: (u, v) => radius(u, v).lt(1),
  ring: (u, v) => between(0.35, radius(u, v), 1),
  square: (u, v) => farther(u, v).lt(0.8),
  frame: (u, v) => between(0.5, farther(u, v), 0.85),
  triangle: (u, v) => between(-0.5, v, 1).logicalAnd(v.add(u.abs().mul(Math.sqrt(3))).lt(1)),
  cross: (u, v) => nearer(u, v).lt(0.25).logicalAnd(farther(u, v).lt(1)),
  bar: (u, v) => u.abs().lt(1).logicalAnd(v.abs().lt(0.3)),
  equals: (u, v) =>
    u
      .abs()
      .lt(0.9)
      .logicalAnd(between(0.25, v.abs(), 0.65)),
  half: (u, v) => radius(u, v).lt(1).logicalAnd(v.gt(0)),
  clover: (u, v) => radius(u, v).pow(3).lt(u.square().sub(v.square()).square()),
} satisfies Record<string, (u: Tensor, v: Tensor) => Tensor>

export const shapeNames = Object.keys(shapes)
/** The kinds of those that are round on the outside. */
export const roundKinds = ['disc', 'ring'].map((name) => shapeNames.indexOf(name))

/** A shape of its kind [n] for each of n pictures, anywhere, larger or smaller and somewhat turned: masks [n, size, size]. */
function place(kinds: Tensor, size: number): Tensor {
  const n = kinds.length
  const each = (low: number, high: number): Tensor =>
    torch
      .rand(n, 1, 1)
      .mul(high - low)
      .add(low)
  const [y, x] = torch.meshgrid([torch.linspace(-1, 1, size), torch.linspace(-1, 1, size)], { indexing: 'ij' })
  const [scale, angle] = [each(0.45, 0.75), each(-0.5, 0.5)]
  const [dx, dy] = [x.sub(each(-0.3, 0.3)).div(scale), y.sub(each(-0.3, 0.3)).div(scale)]
  const u = angle.cos().mul(dx).add(angle.sin().mul(dy))
  const v = angle.cos().mul(dy).sub(angle.sin().mul(dx))
  let inside = torch.zeros(n, size, size, { dtype: 'bool' })
  Object.values(shapes).forEach((shape, kind) => {
    inside = torch.where(kinds.eq(kind).view(n, 1, 1), shape(u, v), inside)
  })
  return inside
}

/** Pictures [n, 3, size, size] of several shapes each, the last in front, with the masks [n, size, size] and kinds [n] of each. */
export function drawShapes(n: number, size: number, count: number): { images: Tensor; masks: Tensor[]; kinds: Tensor[] } {
  const kinds = Array.from({ length: count }, () => torch.randint(shapeNames.length, [n]))
  const masks = kinds.map((kind) => place(kind, size))
  let images = torch.rand(n, 3, 1, 1).mul(0.5).expand(n, 3, size, size)
  for (const mask of masks) {
    const colour = torch.rand(n, 3, 1, 1).mul(0.5).add(0.5)
    images = torch.where(mask.unsqueeze(1), colour, images)
  }
  return { images: images.add(torch.randnLike(images).mul(0.1)), masks, kinds }
}
