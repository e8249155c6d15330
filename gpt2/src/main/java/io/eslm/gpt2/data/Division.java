// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

/**
 * How a prepared folder divides its documents.
 *
 * @param heldOut share of the tokens to hold out, in [0, 0.5]
 * @param closed whether the last document of a domain ends with end-of-text too; those before it always do
 * @param shardTokens most tokens of a file
 */
record Division(double heldOut, boolean closed, long shardTokens) {
    /** Two gigabytes of 16-bit tokens. */
    static final long SHARD_TOKENS = 1L << 30;
    /** For what is measured as it is: nothing is held out, and no token is added at the end. */
    static final Division MEASURED = new Division(0, false, SHARD_TOKENS);

    /** For training. */
    static Division toTrain(double heldOut) {
        return new Division(heldOut, true, SHARD_TOKENS);
    }

    /** The same in files of another size. */
    Division inShardsOf(long tokens) {
        return new Division(heldOut, closed, tokens);
    }

    /** Equal for divisions that give equal tokens. */
    String identity() {
        return "Division[heldOut=" + heldOut + ", closed=" + closed + "]"; // as it was before there were shards
    }
}
