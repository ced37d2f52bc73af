/** Sentences of a small grammar, and what they say of the film. */

import * as torch from 'flambeau'

const things = ['food', 'weather', 'music', 'audience', 'seat', 'evening']
const opinions = {
  good: ['good', 'great', 'lovely', 'charming', 'brilliant'],
  bad: ['bad', 'awful', 'dull', 'boring', 'terrible'],
} as const
const degrees = ['', '', 'very', 'quite', 'really']
/** After a denial, which turns an opinion into its opposite. */
const verbs = { affirmed: ['was', 'seemed', 'felt'], denied: ['was not', 'never seemed', 'hardly felt'] } as const

export const verdicts = ['bad', 'good', 'nothing'] as const
export interface Review {
  readonly words: string[]
  /** The index in `verdicts` of what it says of the film. */
  readonly verdict: number
}

const below = (n: number): number => torch.randint(n, [1]).item()
const choose = <T>(list: readonly T[]): T => list[below(list.length)]

/** What something was like, said directly or by denying the opposite. */
function clause(subject: string, isGood: boolean): string {
  const isDenied = below(2) === 1
  const opinion = choose(opinions[isGood === isDenied ? 'bad' : 'good'])
  return `the ${subject} ${choose(verbs[isDenied ? 'denied' : 'affirmed'])} ${choose(degrees)} ${opinion}`
}

/** One to four clauses, in most reviews one of them about the film. */
export function writeReview(): Review {
  const verdict = below(verdicts.length)
  const subjects = Array.from({ length: 1 + below(3) }, () => choose(things))
  if (verdict < 2) subjects.splice(below(subjects.length + 1), 0, 'film')
  const clauses = subjects.map((subject) => clause(subject, subject === 'film' ? verdict === 1 : below(2) === 1))
  const text = clauses.map((part, i) => (i === 0 ? part : `${choose(['and', 'but', 'while'])} ${part}`)).join(' ')
  return { words: text.split(/ +/), verdict }
}

const words = [...things, 'film', 'the', 'and', 'but', 'while', ...opinions.good, ...opinions.bad, ...degrees]
const known = new Set(
  [...words, ...verbs.affirmed, ...verbs.denied].flatMap((phrase) => phrase.split(' ')).filter((w) => w !== ''),
)
/** Every word; number 0 is padding. */
export const vocabulary = ['<pad>', ...known]
const numbers = new Map(vocabulary.map((word, number) => [word, number]))

/** The numbers of words. */
export const encode = (words: readonly string[]): number[] => words.map((word) => numbers.get(word) ?? 0)
