// SPDX-License-Identifier: Apache-2.0
package io.eslm.compare;

import java.util.List;

/**
 * How a comparison ended.
 *
 * @param finished false if it was stopped; start it again to continue
 * @param diverged names of the runs that diverged; they have no figures
 * @param comparison the figures of the runs that are finished
 */
public record CompareResult(boolean finished, List<String> diverged, Comparison comparison) {
}
