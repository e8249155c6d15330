// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.collective;

/** One rank: nothing to wait for, and the same additions. */
final class Alone implements Collective {
    @Override
    public int rank() {
        return 0;
    }

    @Override
    public int world() {
        return 1;
    }

    @Override
    public void reduceScatter(Floats each, long[] cuts, Floats sum, boolean add) {
        RankSum adder = new RankSum(sum, add);
        float[] part = new float[RankSum.MOST];
        for (long at = 0; at < each.size(); at += RankSum.MOST) {
            int n = (int) Math.min(RankSum.MOST, each.size() - at);
            each.read(at, part, n);
            adder.begin(at, n);
            adder.add(part);
            adder.end();
        }
    }

    @Override
    public void allGather(Floats all, long[] cuts) {
        // it has all slices
    }

    @Override
    public byte[][] allGather(byte[] mine) {
        return new byte[][] {mine};
    }

    @Override
    public void abort(String why) {
        // nobody hears it
    }

    @Override
    public void close() {
        // holds nothing
    }
}
