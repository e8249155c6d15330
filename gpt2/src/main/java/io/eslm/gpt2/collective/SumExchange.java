// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.collective;

import io.eslm.tensor.UserError;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;

/** Each rank gets what all others have of its slice, and adds up what is there of all. */
final class SumExchange implements Link.Exchange {
    private final int rank;
    private final Link[] links;
    private final Floats each;
    private final long[] cuts;
    private final RankSum sum;
    private final float[] part = new float[RankSum.MOST];
    private long summed;

    SumExchange(int rank, Link[] links, Floats each, long[] cuts, Floats sum, boolean add) {
        this.rank = rank;
        this.links = links;
        this.each = each;
        this.cuts = cuts;
        this.sum = new RankSum(sum, add);
    }

    @Override
    public long kind() {
        return 3;
    }

    @Override
    public long bytesTo(Link to) {
        return Float.BYTES * (cuts[to.rank + 1] - cuts[to.rank]);
    }

    @Override
    public void put(Link to, long at, int n, ByteBuffer out) {
        SliceExchange.copy(each, cuts[to.rank] + at / Float.BYTES, n, part, out);
    }

    @Override
    public void expect(Link from, long bytes) {
        UserError.check(bytes == Float.BYTES * (cuts[rank + 1] - cuts[rank]),
                "%s has another slice than this rank knows: %d bytes", from.name, bytes);
    }

    @Override
    public boolean take(Link from, ByteBuffer block) {
        return false;
    }

    /** Adds up the next numbers that all ranks' blocks have, if there are any. */
    boolean combine() {
        int count = Integer.MAX_VALUE;
        FloatBuffer[] blocks = new FloatBuffer[links.length];
        for (Link link : links) {
            if (link != null) {
                if (link.block() == null) {
                    return false;
                }
                blocks[link.rank] = link.block().asFloatBuffer();
                count = Math.min(count, blocks[link.rank].remaining());
            }
        }
        for (int i = 0; i < count; i += RankSum.MOST) {
            add(blocks, Math.min(RankSum.MOST, count - i));
        }
        return true;
    }

    private void add(FloatBuffer[] blocks, int n) {
        sum.begin(summed, n);
        for (FloatBuffer block : blocks) {
            if (block == null) {
                each.read(cuts[rank] + summed, part, n);
            } else {
                block.get(part, 0, n);
            }
            sum.add(part);
        }
        sum.end();
        summed += n;
        for (Link link : links) {
            if (link != null) {
                link.block().position(link.block().position() + Float.BYTES * n);
                link.taken();
            }
        }
    }
}
