/** One network with several tasks, and a loss that learns how much each counts. */

import * as torch from 'flambeau'
import { nn, type Tensor } from 'flambeau'

const tasks = ['corner', 'area', 'inside'] as const
/** Something of each task. */
export type PerTask = Record<(typeof tasks)[number], Tensor>

/** Points [N, inFeatures] to logits of their largest corner [N, numClasses], their area [N, 1] and the logit of being inside [N, 1]. */
export class MultiTask extends nn.Module {
  readonly trunk: nn.Sequential
  readonly heads: nn.ModuleDict<nn.Linear>

  constructor(inFeatures: number, hidden: number, numClasses: number) {
    super()
    this.trunk = new nn.Sequential(new nn.Linear(inFeatures, hidden), new nn.SiLU(), new nn.Linear(hidden, hidden), new nn.SiLU())
    this.heads = new nn.ModuleDict({
      corner: new nn.Linear(hidden, numClasses),
      area: new nn.Linear(hidden, 1),
      inside: new nn.Linear(hidden, 1),
    })
  }

  override forward(x: Tensor): PerTask {
    const features = this.trunk(x)
    const head = (task: keyof PerTask): Tensor => this.heads.get(task)(features)
    return { corner: head('corner'), area: head('area'), inside: head('inside') }
  }
}

/** Losses weighed by the uncertainty of their tasks (Kendall et al., 2018): Σ exp(−s) · loss + s, where each s is learned. */
export class LearnedWeights extends nn.Module {
  readonly log_variance = new nn.ParameterDict(Object.fromEntries(tasks.map((task) => [task, new nn.Parameter(torch.zeros([]))])))

  override forward(losses: PerTask): Tensor {
    const terms = tasks.map((task) => {
      const s = this.log_variance.get(task)
      return losses[task].mul(s.neg().exp()).add(s)
    })
    return torch.stack(terms).sum()
  }
}

/** The loss of each task, unweighed. */
export function taskLosses(out: PerTask, targets: PerTask): PerTask {
  const { functional: F } = nn
  return {
    corner: F.crossEntropy(out.corner, targets.corner),
    area: F.smoothL1Loss(out.area.squeeze(1), targets.area),
    inside: F.binaryCrossEntropyWithLogits(out.inside.squeeze(1), targets.inside),
  }
}
