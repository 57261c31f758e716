// @ts-check
// What a selection would keep, from cumulative tables: the same arithmetic as the server's, on about a thousand points.
//
// A curve has edges (scores, ascending) with counts and tokens: how many of a domain's competing rows, and how many of
// their response tokens, score at least edges[k]. A place {k, f} lies a fraction f of the way from edge k to edge k + 1.

const NO_ROWS = { edges: Float64Array.of(0, 1), counts: Float64Array.of(0, 0), tokens: Float64Array.of(0, 0) }

// Curves from the table's columns, whose rows are grouped by domain; `pool` is all of them over their common edges.
/** @param {number} nDomains @param {Record<'domain' | 'knot' | 'n_above' | 'tokens_above', Float64Array>} columns */
function curvesOf(nDomains, columns) {
  const curves = []
  let start = 0
  for (let d = 0; d < nDomains; d++) {
    let end = start
    while (end < columns.domain.length && columns.domain[end] === d) end += 1
    curves.push(
      end - start < 2
        ? NO_ROWS
        : {
            edges: columns.knot.subarray(start, end),
            counts: columns.n_above.subarray(start, end),
            tokens: columns.tokens_above.subarray(start, end),
          },
    )
    start = end
  }
  return {
    curves,
    pool: poolOf(
      curves.filter((curve) => curve !== NO_ROWS),
      curves,
    ),
  }
}

/** @param {Curve[]} filled @param {Curve[]} curves */
function poolOf(filled, curves) {
  if (!filled.length) return { ...NO_ROWS, each: curves.map(() => NO_ROWS) }
  const all = Float64Array.from(filled.flatMap((curve) => Array.from(curve.edges))).sort()
  const edges = all.filter((edge, i) => i === 0 || edge !== all[i - 1])
  const each = curves.map((curve) => ({
    counts: alongEdges(curve, curve.counts, edges),
    tokens: alongEdges(curve, curve.tokens, edges),
  }))
  const sum = (name) => edges.map((_, k) => each.reduce((total, one) => total + one[name][k], 0))
  return { edges, counts: sum("counts"), tokens: sum("tokens"), each }
}

/** @param {Curve} curve @param {Float64Array} values @param {Float64Array} edges */
function alongEdges(curve, values, edges) {
  return edges.map((edge) => valueAt(values, placeOfScore(curve.edges, edge)))
}

/** @param {Float64Array} edges @param {number} score @returns {Place} */
function placeOfScore(edges, score) {
  const last = edges.length - 1
  if (!(score > edges[0])) return { k: 0, f: 0 }
  if (score >= edges[last]) return { k: last - 1, f: 1 }
  let low = 0,
    high = last
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (edges[middle] <= score) low = middle
    else high = middle
  }
  return { k: low, f: (score - edges[low]) / (edges[low + 1] - edges[low]) }
}

/** @param {Float64Array} cumulative @param {number} amount @returns {Place} */
function placeOfAmount(cumulative, amount) {
  const last = cumulative.length - 1
  if (amount >= cumulative[0]) {
    // Everything: at the last edge that still has everything, not far below the lowest score.
    let k = 0
    while (k < last - 1 && cumulative[k + 1] === cumulative[0]) k += 1
    return { k, f: 0 }
  }
  if (amount <= 0) return { k: last - 1, f: 1 }
  let low = 0,
    high = last
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (cumulative[middle] >= amount) low = middle
    else high = middle
  }
  const step = cumulative[low] - cumulative[low + 1]
  return { k: low, f: step > 0 ? (cumulative[low] - amount) / step : 0 }
}

/** @param {Float64Array} values @param {Place} place */
function valueAt(values, place) {
  return values[place.k] + place.f * (values[place.k + 1] - values[place.k])
}

// Whole shares of a total by weight that sum to it; the first of equal remainders wins, as among the server's fractions.
/** @param {number} total @param {number[]} weights @returns {number[]} */
function largestRemainder(total, weights) {
  const parts = inWholeNumbers(weights)
  const sum = parts.reduce((a, b) => a + b, 0n)
  if (!(total > 0) || sum === 0n) return weights.map(() => 0)
  const products = parts.map((part) => BigInt(total) * part)
  const shares = products.map((product) => Number(product / sum))
  const rests = products.map((product) => product % sum)
  const order = weights.map((_, k) => k).sort((a, b) => (rests[a] === rests[b] ? a - b : rests[a] > rests[b] ? -1 : 1))
  const left = total - shares.reduce((a, b) => a + b, 0)
  for (const k of order.slice(0, left)) shares[k] += 1
  return shares
}

// Weights as they are written, 0.1 as one tenth, times the power of ten that makes all of them whole.
/** @param {number[]} weights @returns {bigint[]} */
function inWholeNumbers(weights) {
  const written = weights.map((weight) => {
    const [digits, exponent] = String(Math.max(weight, 0)).split("e")
    const [whole, fraction = ""] = digits.split(".")
    return { number: BigInt(whole + fraction), decimals: fraction.length - Number(exponent || 0) }
  })
  const most = Math.max(0, ...written.map(({ decimals }) => decimals))
  return written.map(({ number, decimals }) => number * 10n ** BigInt(most - decimals))
}

// A budget between floors (rows kept by hand) and ceilings (all that a domain has); what one cannot take, others do.
/** @param {number} total @param {number[]} weights @param {number[]} floors @param {number[]} ceilings */
function shareBudget(total, weights, floors, ceilings) {
  const granted = weights.map(() => 0),
    exhausted = weights.map(() => false)
  let left = total
  let unsettled = weights.map((_, k) => k)
  while (unsettled.length) {
    const shares = largestRemainder(
      left,
      unsettled.map((k) => weights[k]),
    )
    const bounded = unsettled.map((k, i) => Math.max(Math.min(shares[i], ceilings[k]), floors[k]))
    const excess = bounded.reduce((a, b) => a + b, 0) - shares.reduce((a, b) => a + b, 0)
    const still = []
    unsettled.forEach((k, i) => {
      if (excess === 0 || (excess > 0 ? bounded[i] > shares[i] : bounded[i] < shares[i])) {
        granted[k] = bounded[i]
        exhausted[k] = bounded[i] < shares[i]
        left -= bounded[i]
      } else still.push(k)
    })
    unsettled = still
  }
  return { asked: largestRemainder(total, weights), granted, exhausted }
}

/** @param {InstrumentModel} model @param {SentSpec} spec */
function wanted(model, spec) {
  return spec.budget === "ratio" ? Math.floor(spec.value * model.nRows + 0.5) : Math.round(spec.value)
}

/** @param {InstrumentModel} model @param {SentSpec} spec @returns {number[]} */
function weightsOf(model, spec) {
  const inTokens = spec.budget === "tokens"
  const sizes = model.domains.map((domain) => (inTokens ? domain.tokens : domain.nRows))
  if (spec.balance === "equal") return sizes.map((size) => (size > 0 ? 1 : 0))
  if (spec.balance === "custom") return model.domains.map((domain) => spec.weights[domain.name] || 0)
  return sizes
}

// What the spec keeps: for each domain rows, tokens, cut (null: nothing by score), whether it ran out; and the sums.
/** @param {InstrumentModel} model @param {SentSpec} spec @returns {Answer} */
function preview(model, spec) {
  const domains = spec.balance === "global" ? onePool(model, spec) : domainByDomain(model, spec)
  const kept = domains.reduce((sum, domain) => sum + domain.kept, 0)
  const tokens = domains.reduce((sum, domain) => sum + domain.tokens, 0)
  const cuts = domains.map((domain) => domain.cut).filter((cut) => cut !== null)
  return { domains, kept, tokens, cut: spec.balance === "global" && cuts.length ? cuts[0] : null }
}

/** @param {InstrumentModel} model @param {SentSpec} spec @returns {DomainAnswer[]} */
function onePool(model, spec) {
  const inTokens = spec.budget === "tokens"
  const { pool } = model
  const place =
    spec.budget === "threshold"
      ? placeOfScore(pool.edges, spec.value)
      : placeOfAmount(
          inTokens ? pool.tokens : pool.counts,
          wanted(model, spec) - model.domains.reduce((sum, d) => sum + (inTokens ? d.tokensByHand : d.nByHand), 0),
        )
  const total = Math.round(valueAt(pool.counts, place))
  const counts = largestRemainder(
    total,
    pool.each.map((one) => valueAt(one.counts, place)),
  )
  const cut = spec.budget === "threshold" ? spec.value : total > 0 ? valueAt(pool.edges, place) : null
  return model.domains.map((domain, d) => ({
    kept: domain.nByHand + counts[d],
    tokens: domain.tokensByHand + Math.round(valueAt(pool.each[d].tokens, place)),
    cut,
    exhausted: false,
  }))
}

/** @param {InstrumentModel} model @param {SentSpec} spec @returns {DomainAnswer[]} */
function domainByDomain(model, spec) {
  const inTokens = spec.budget === "tokens"
  const floors = model.domains.map((d) => (inTokens ? d.tokensByHand : d.nByHand))
  const ceilings = model.domains.map((d, k) => floors[k] + (inTokens ? d.tokensCompeting : d.nCompeting))
  const grants = shareBudget(wanted(model, spec), weightsOf(model, spec), floors, ceilings)
  return model.domains.map((domain, d) => {
    const amount = grants.granted[d] - floors[d]
    const curve = model.curves[d]
    const place = placeOfAmount(inTokens ? curve.tokens : curve.counts, amount)
    const rows = amount > 0 ? (inTokens ? Math.floor(valueAt(curve.counts, place)) : amount) : 0
    return {
      kept: domain.nByHand + rows,
      tokens: domain.tokensByHand + (amount > 0 ? Math.round(valueAt(curve.tokens, place)) : 0),
      cut: rows > 0 ? valueAt(curve.edges, place) : null,
      exhausted: grants.exhausted[d],
    }
  })
}

// Ratios as a person would write them: 6.08 %, 0.153 %.
/** @param {InstrumentModel} model @param {number} ratio */
function roundRatio(model, ratio) {
  const digits = ratio >= 0.01 ? 4 : ratio >= 0.001 ? 5 : 6
  return Math.min(Math.max(Number(ratio.toFixed(digits)), model.leastRatio), 1)
}

// The shortest ratio that keeps exactly so many rows.
/** @param {InstrumentModel} model @param {number} kept */
function exactRatio(model, kept) {
  for (let digits = 3; digits <= 12; digits++) {
    const ratio = Number((kept / model.nRows).toFixed(digits))
    if (ratio > 0 && ratio <= 1 && Math.floor(ratio * model.nRows + 0.5) === kept) return ratio
  }
  return Math.min(Math.max(kept / model.nRows, model.leastRatio), 1)
}

// The same amount in the unit of a budget.
/** @param {InstrumentModel} model @param {BudgetKind} kind @param {Answer} amount */
function budgetValue(model, kind, amount) {
  if (kind === "ratio") return roundRatio(model, amount.kept / model.nRows)
  if (kind === "samples") return amount.kept
  if (kind === "tokens") return amount.tokens
  return amount.cut ?? model.axis[1]
}

// The spec after the common cut was put at a score.
/** @param {InstrumentModel} model @param {SentSpec} spec @param {number} score @returns {SentSpec} */
function cutAt(model, spec, score) {
  if (spec.budget === "threshold") return { ...spec, value: snapped(model, score) }
  const amount = preview(model, { ...spec, balance: "global", budget: "threshold", value: score })
  return { ...spec, value: budgetValue(model, spec.budget, amount) }
}

// A threshold that a person would type: three digits over the width of the axis.
/** @param {InstrumentModel} model @param {number} score */
function snapped(model, score) {
  const width = Math.max(model.axis[1] - model.axis[0], 1e-9)
  const digits = Math.min(Math.max(3 - Math.floor(Math.log10(width)), 0), 12)
  return Number(score.toFixed(digits))
}

// The spec after one domain's handle was put at a score: natural and equal move the total, custom the weight.
/** @param {InstrumentModel} model @param {SentSpec} spec @param {number} d @param {number} score @returns {SentSpec} */
function handleAt(model, spec, d, score) {
  const inTokens = spec.budget === "tokens"
  const curve = model.curves[d]
  const place = placeOfScore(curve.edges, score)
  const column = inTokens ? curve.tokens : curve.counts
  const domain = model.domains[d]
  const target = Math.round(valueAt(column, place)) + (inTokens ? domain.tokensByHand : domain.nByHand)
  if (spec.balance === "custom") return withWeight(model, spec, d, target / Math.max(wanted(model, spec), 1))
  const total = totalFor(model, spec, d, target)
  return { ...spec, value: spec.budget === "ratio" ? roundRatio(model, total / model.nRows) : total }
}

// The least budget under which domain d is granted its target; the grant grows with the budget.
/** @param {InstrumentModel} model @param {SentSpec} spec @param {number} d @param {number} target */
function totalFor(model, spec, d, target) {
  const weights = weightsOf(model, spec)
  const inTokens = spec.budget === "tokens"
  const floors = model.domains.map((x) => (inTokens ? x.tokensByHand : x.nByHand))
  const ceilings = model.domains.map((x, k) => floors[k] + (inTokens ? x.tokensCompeting : x.nCompeting))
  let low = 0,
    high = ceilings.reduce((a, b) => a + b, 0)
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (shareBudget(middle, weights, floors, ceilings).granted[d] >= target) high = middle
    else low = middle + 1
  }
  return low
}

// One domain's weight as a share of all; the others keep their proportions.
/** @param {InstrumentModel} model @param {SentSpec} spec @param {number} d @param {number} share @returns {SentSpec} */
function withWeight(model, spec, d, share) {
  const shares = sharesOf(model, spec)
  const mine = Math.min(Math.max(share, 0), 1)
  const rest = 1 - shares[d]
  const others = model.domains.length - 1
  const weights = {}
  model.domains.forEach((domain, k) => {
    const value = k === d ? mine : rest > 0 ? (shares[k] / rest) * (1 - mine) : (1 - mine) / Math.max(others, 1)
    weights[domain.name] = Number(value.toFixed(4))
  })
  if (!Object.values(weights).some((weight) => weight > 0)) weights[model.domains[d].name] = 0.0001
  return { ...spec, weights }
}

// The weights as shares that sum to 1.
/** @param {InstrumentModel} model @param {SentSpec} spec */
function sharesOf(model, spec) {
  const weights = weightsOf(model, spec)
  const sum = weights.reduce((a, b) => a + b, 0)
  return weights.map((weight) => (sum > 0 ? weight / sum : 0))
}

// The same selection with another budget held.
/** @param {InstrumentModel} model @param {SentSpec} spec @param {BudgetKind} kind @returns {SentSpec} */
function holding(model, spec, kind) {
  const amount = preview(model, spec)
  if (kind === "threshold" && amount.cut === null) return spec
  const value = kind === "ratio" ? exactRatio(model, amount.kept) : budgetValue(model, kind, amount)
  return { ...spec, budget: kind, value }
}
