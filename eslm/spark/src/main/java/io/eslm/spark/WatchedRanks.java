// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark;

import io.eslm.gpt2.collective.Collective;
import io.eslm.gpt2.collective.Floats;
import java.util.function.Supplier;

/** The ranks of a job. Remembers whether this one could not go on because of another one. */
final class WatchedRanks implements Collective {
    private final Collective ranks;
    private final Runnable lost;

    private WatchedRanks(Collective ranks, Runnable lost) {
        this.ranks = ranks;
        this.lost = lost;
    }

    /** What {@code meet} returns. @param lost called if it, or an exchange, fails */
    static Collective meet(Supplier<Collective> meet, Runnable lost) {
        return new WatchedRanks(watched(meet, lost), lost);
    }

    private static <T> T watched(Supplier<T> exchange, Runnable lost) {
        try {
            return exchange.get();
        } catch (RuntimeException e) {
            lost.run();
            throw e;
        }
    }

    private void exchange(Runnable exchange) {
        watched(() -> {
            exchange.run();
            return null;
        }, lost);
    }

    @Override
    public int rank() {
        return ranks.rank();
    }

    @Override
    public int world() {
        return ranks.world();
    }

    @Override
    public void reduceScatter(Floats each, long[] cuts, Floats sum, boolean add) {
        exchange(() -> ranks.reduceScatter(each, cuts, sum, add));
    }

    @Override
    public void allGather(Floats all, long[] cuts) {
        exchange(() -> ranks.allGather(all, cuts));
    }

    @Override
    public byte[][] allGather(byte[] mine) {
        return watched(() -> ranks.allGather(mine), lost);
    }

    @Override
    public void abort(String why) {
        ranks.abort(why);
    }

    @Override
    public void close() {
        ranks.close();
    }
}
