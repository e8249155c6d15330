// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.generate;

/**
 * What a {@link BatchGenerator} does now, and has done so far.
 *
 * @param running sequences that run
 * @param waiting sequences that wait for their turn
 * @param pagesUsed pages that running sequences hold; those that only the prefix cache holds are free to be used
 * @param pagesCached pages that only the prefix cache holds
 * @param pagesTotal all pages
 * @param poolBytes bytes of all pages
 * @param promptTokens tokens of prompts whose keys and values were computed
 * @param cachedTokens tokens of prompts whose keys and values were found in the prefix cache
 * @param newTokens tokens that were drawn
 */
public record BatchStats(int running, int waiting, int pagesUsed, int pagesCached, int pagesTotal, long poolBytes,
        long promptTokens, long cachedTokens, long newTokens) {
}
