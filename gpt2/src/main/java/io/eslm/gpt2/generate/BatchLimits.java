// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.generate;

import io.eslm.tensor.Checks;

/**
 * What a {@link BatchGenerator} may use.
 *
 * @param pageTokens positions in a page of keys and values
 * @param poolBytes bytes that all pages together may take
 * @param maxRunning sequences that run at once
 * @param maxWaiting sequences that may wait for their turn
 */
public record BatchLimits(int pageTokens, long poolBytes, int maxRunning, int maxWaiting) {
    public BatchLimits {
        Checks.check(pageTokens > 0 && poolBytes > 0 && maxRunning > 0 && maxWaiting >= 0, "batch limits",
                "%d tokens a page, %d bytes, %d running, %d waiting: must be above 0", pageTokens, poolBytes,
                maxRunning,
                maxWaiting);
    }

    /** Pages of 16 positions, in {@code poolBytes}, for 32 sequences; 1,024 more may wait. */
    public static BatchLimits of(long poolBytes) {
        return new BatchLimits(16, poolBytes, 32, 1024);
    }
}
