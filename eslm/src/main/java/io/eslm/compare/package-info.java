// SPDX-License-Identifier: Apache-2.0

/**
 * Comparisons: a {@link io.eslm.compare.Comparer} trains several methods over several seeds, each run by the same
 * {@link io.eslm.run.RunEngine} as a run by itself, and a {@link io.eslm.compare.Comparison} shows what they reached at what cost.
 */
package io.eslm.compare;
