// SPDX-License-Identifier: Apache-2.0

/**
 * Runs: {@link io.eslm.run.Run} says what to train, a {@link io.eslm.run.RunPlan} is what that comes to once it is checked, and
 * the {@link io.eslm.run.RunEngine} trains it in its folder. The command line and comparisons use the same engine.
 */
package io.eslm.run;
