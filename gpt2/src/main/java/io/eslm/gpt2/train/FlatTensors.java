// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import io.eslm.gpt2.collective.Floats;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Storage;
import java.util.Arrays;
import java.util.stream.Stream;

/** Tensors, or parts of them, one after the other, as one long row of numbers. */
final class FlatTensors implements Floats {
    private final Backend backend;
    private final Storage[] parts;
    private final long[] begins;

    FlatTensors(Backend backend, Stream<Storage> storages) {
        this.backend = backend;
        parts = storages.toArray(Storage[]::new);
        begins = new long[parts.length + 1];
        for (int t = 0; t < parts.length; t++) {
            begins[t + 1] = begins[t] + parts[t].size();
        }
    }

    @Override
    public long size() {
        return begins[parts.length];
    }

    /** A run of numbers within one tensor. */
    @FunctionalInterface
    private interface Part {
        void run(Storage there, int at, int n);
    }

    @Override
    public void read(long at, float[] into, int n) {
        each(at, n, (there, to, count) -> backend.read(there, into, to, count));
    }

    @Override
    public void write(long at, float[] from, int n) {
        each(at, n, (there, begin, count) -> backend.write(there, from, begin, count));
    }

    private void each(long at, int n, Part part) {
        int t = Arrays.binarySearch(begins, at);
        t = t < 0 ? -t - 2 : t;
        for (int done = 0; done < n;) {
            int offset = (int) (at + done - begins[t]);
            int count = (int) Math.min(n - done, begins[t + 1] - begins[t] - offset);
            if (count > 0) {
                part.run(backend.slice(parts[t], offset, count), done, count);
            }
            done += count;
            t++;
        }
    }
}
