// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.collective;

import io.eslm.tensor.UserError;
import java.nio.ByteBuffer;

/** Each rank's bytes go to all others. */
final class ByteExchange implements Link.Exchange {
    private static final long LARGEST = 1L << 28;

    private final byte[][] all;
    private final int[] filled;
    private final byte[] mine;

    ByteExchange(int rank, int world, byte[] mine) {
        this.mine = mine;
        all = new byte[world][];
        filled = new int[world];
        all[rank] = mine;
    }

    byte[][] all() {
        return all;
    }

    @Override
    public long kind() {
        return 1;
    }

    @Override
    public long bytesTo(Link to) {
        return mine.length;
    }

    @Override
    public void put(Link to, long at, int n, ByteBuffer out) {
        out.put(mine, (int) at, n);
    }

    @Override
    public void expect(Link from, long bytes) {
        UserError.check(bytes <= LARGEST, "%s announces %d bytes, which cannot be", from.name, bytes);
        all[from.rank] = new byte[(int) bytes];
    }

    @Override
    public boolean take(Link from, ByteBuffer block) {
        int n = block.remaining();
        block.get(all[from.rank], filled[from.rank], n);
        filled[from.rank] += n;
        return true;
    }
}
