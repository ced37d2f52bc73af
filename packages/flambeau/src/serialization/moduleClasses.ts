/** Whole modules in checkpoints: the classes that may be rebuilt, and how. */

import type { Module } from '../nn/module.js'

/** Builds a module of the attributes that Python's had. */
export type ModuleClass = (state: Record<string, unknown>) => Module
export type ModuleClasses = Readonly<Record<string, ModuleClass>>
/** The way to rebuild instances of a class, or undefined where it may not be. */
export type ClassFinder = (fullName: string) => ((state: unknown) => unknown) | undefined

export const classFinder =
  (_classes: ModuleClasses = {}): ClassFinder =>
  () =>
    undefined
