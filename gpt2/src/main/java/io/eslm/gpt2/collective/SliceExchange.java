// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.collective;

import io.eslm.tensor.UserError;
import java.nio.ByteBuffer;

/** Each rank's slice goes to all others. */
final class SliceExchange implements Link.Exchange {
    private final int rank;
    private final Floats all;
    private final long[] cuts;
    private final long[] filled;
    private final float[] part = new float[RankSum.MOST];

    SliceExchange(int rank, Floats all, long[] cuts) {
        this.rank = rank;
        this.all = all;
        this.cuts = cuts;
        filled = new long[cuts.length - 1];
    }

    @Override
    public long kind() {
        return 2;
    }

    @Override
    public long bytesTo(Link to) {
        return Float.BYTES * (cuts[rank + 1] - cuts[rank]);
    }

    @Override
    public void put(Link to, long at, int n, ByteBuffer out) {
        copy(all, cuts[rank] + at / Float.BYTES, n, part, out);
    }

    /** Puts {@code bytes} / 4 numbers, from {@code at}, into {@code out}. */
    static void copy(Floats from, long at, int bytes, float[] part, ByteBuffer out) {
        int count = bytes / Float.BYTES;
        for (int i = 0; i < count; i += part.length) {
            int n = Math.min(part.length, count - i);
            from.read(at + i, part, n);
            out.asFloatBuffer().put(part, 0, n);
            out.position(out.position() + Float.BYTES * n);
        }
    }

    @Override
    public void expect(Link from, long bytes) {
        UserError.check(bytes == Float.BYTES * (cuts[from.rank + 1] - cuts[from.rank]),
                "%s has another slice than this rank knows: %d bytes", from.name, bytes);
    }

    @Override
    public boolean take(Link from, ByteBuffer block) {
        int count = block.remaining() / Float.BYTES;
        for (int i = 0; i < count; i += part.length) {
            int n = Math.min(part.length, count - i);
            block.asFloatBuffer().get(part, 0, n);
            block.position(block.position() + Float.BYTES * n);
            all.write(cuts[from.rank] + filled[from.rank] + i, part, n);
        }
        filled[from.rank] += count;
        return true;
    }
}
