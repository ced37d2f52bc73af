/** What PyTorch made of the same networks (tools/fixtures/examples.py), and comparing with it. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { nn, Tensor } from 'flambeau'
import * as torch from 'flambeau'
import { expect, vi } from 'vitest'

interface Summary {
  readonly shape: readonly number[]
  readonly norm: number
  readonly probe: number
  readonly step: number
  readonly elements: readonly number[]
}
export interface Recorded {
  readonly state: readonly (readonly [name: string, shape: readonly number[]])[]
  readonly outputs: Readonly<Record<string, Summary>>
  readonly loss: number
  readonly gradients: Readonly<Record<string, Summary>>
  readonly buffers: Readonly<Record<string, Summary>>
}
export interface Fixture {
  /** The number of parameters of the network at its full size. */
  readonly parameters: number
  readonly cases: readonly Recorded[]
}

export const readFixture = (name: string): Fixture =>
  JSON.parse(gunzipSync(readFileSync(new URL(`./fixtures/${name}.json.gz`, import.meta.url))).toString())

/** Numbers in [-1, 1) that depend on a name alone. */
function uniform(name: string, count: number): Float64Array {
  let h = 0x811c9dc5
  for (const byte of new TextEncoder().encode(name)) h = Math.imul(h ^ byte, 0x01000193) >>> 0
  return Float64Array.from({ length: count }, (_, i) => {
    let x = (Math.imul(i, 0x9e3779b1) + h) >>> 0
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b) >>> 0
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35) >>> 0
    return ((x ^ (x >>> 16)) >>> 0) / 2147483648 - 1
  })
}
const numelOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)

/** A float64 tensor of such numbers. */
export const filled = (name: string, ...shape: number[]): Tensor => torch.fromTypedArray(uniform(name, numelOf(shape)), shape)
/** Integers from 0 up to a bound. */
export const whole = (name: string, below: number, ...shape: number[]): Tensor =>
  filled(name, ...shape)
    .add(1)
    .div(2)
    .mul(below)
    .long()

/** Gives parameters and buffers the values that their names have. */
export function fill<M extends nn.Module>(model: M): M {
  torch.noGrad(() => {
    for (const [name, t] of [...model.namedParameters(), ...model.namedBuffers()]) {
      const leaf = name.split('.').at(-1)
      if (leaf === 'num_batches_tracked') continue
      const u = filled(name, ...t.shape)
      if (t.ndim > 1) t.copy_(u.mul(Math.sqrt(6 / (t.numel() / t.shape[0]))))
      else if (leaf === 'running_var') t.copy_(u.mul(0.5).add(1))
      else if (leaf === 'weight') t.copy_(u.mul(0.25).add(1))
      else t.copy_(u.mul(0.1))
    }
  })
  return model
}

/** How far results may be from PyTorch's in float64, as a share of their norm. */
export const tolerances = { float64: 1e-10, float32: 2e-4 } as const
export const dtypes = ['float64', 'float32'] as const

function compare(name: string, got: Tensor, want: Summary, tolerance: number): void {
  expect(got.shape, name).toEqual(want.shape)
  const flat = Float64Array.from(got.detach().reshape(-1).double().toTypedArray(), Number)
  const probe = uniform(`probe of ${name}`, flat.length)
  // Gradients that are zero but for rounding have no norm to compare with.
  const room = tolerance * Math.max(want.norm, 1e-3)
  const near = (what: string, a: number, b: number): void =>
    expect(Math.abs(a - b), `${what} of ${name}: ${a} instead of ${b}`).toBeLessThanOrEqual(room)
  near('norm', Math.hypot(...flat), want.norm)
  near(
    'probe',
    flat.reduce((sum, value, i) => sum + value * probe[i], 0),
    want.probe,
  )
  want.elements.forEach((value, i) => {
    near(`element ${i * want.step}`, flat[i * want.step], value)
  })
}

/** Compares outputs and loss with PyTorch's, goes backward, and compares the gradient of every parameter, then the buffers. */
export function check(
  models: readonly nn.Module[],
  outputs: Readonly<Record<string, Tensor>>,
  loss: Tensor,
  want: Recorded,
  tolerance: number,
): void {
  const state = models.flatMap((model) => Object.entries(model.stateDict()).map(([name, t]) => [name, t.shape]))
  expect(state).toEqual(want.state)
  expect(Object.keys(outputs)).toEqual(Object.keys(want.outputs))
  for (const [name, t] of Object.entries(outputs)) compare(name, t, want.outputs[name], tolerance)
  expect(Math.abs(loss.item() - want.loss)).toBeLessThanOrEqual(tolerance * Math.abs(want.loss))
  loss.backward()
  const parameters = models.flatMap((model) => model.namedParameters())
  expect(parameters.map(([name]) => name)).toEqual(Object.keys(want.gradients))
  for (const [name, { grad }] of parameters) {
    expect(grad, name).not.toBeNull()
    compare(name, grad!, want.gradients[name], tolerance)
  }
  const buffers = models.flatMap((model) => model.namedBuffers())
  expect(buffers.map(([name]) => name)).toEqual(Object.keys(want.buffers))
  for (const [name, t] of buffers) compare(name, t, want.buffers[name], tolerance)
}

export const parameterCount = (model: nn.Module): number => model.parameters().reduce((n, p) => n + p.numel(), 0)

/** Runs a program with what it prints gathered instead of shown. */
export async function listen<T>(run: () => Promise<T>): Promise<{ result: T; printed: string }> {
  const lines: string[] = []
  const log = vi.spyOn(console, 'log').mockImplementation((...args) => void lines.push(args.join(' ')))
  try {
    return { result: await run(), printed: lines.join('\n') }
  } finally {
    log.mockRestore()
  }
}

/** A state dict that was written and read again gives another model the same outputs. */
export async function expectRoundTrip<M extends nn.Module>(make: () => M, outputOf: (model: M) => Tensor): Promise<void> {
  const [model, other] = [make().eval(), make().eval()]
  const want = outputOf(model)
  expect(torch.equal(outputOf(other), want)).toBe(false)
  const path = join(mkdtempSync(join(tmpdir(), 'flambeau-')), 'model.pt')
  try {
    await torch.save(model.stateDict(), path)
    const loaded = other.loadStateDict(await torch.load<nn.StateDict>(path))
    expect({ ...loaded }).toEqual({ missingKeys: [], unexpectedKeys: [] })
  } finally {
    rmSync(dirname(path), { recursive: true })
  }
  expect(torch.equal(outputOf(other), want)).toBe(true)
}
