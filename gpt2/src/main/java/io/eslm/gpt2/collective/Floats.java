// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.collective;

/** A long row of numbers that ranks exchange, wherever they are kept. For one thread. */
public interface Floats {
    /** How many numbers there are. */
    long size();

    /** Copies the numbers {@code [at, at + n)} to the start of {@code into}. */
    void read(long at, float[] into, int n);

    /** Replaces the numbers {@code [at, at + n)} with the first of {@code from}. */
    void write(long at, float[] from, int n);

    /** The elements of {@code array}. */
    static Floats of(float[] array) {
        return new Floats() {
            @Override
            public long size() {
                return array.length;
            }

            @Override
            public void read(long at, float[] into, int n) {
                System.arraycopy(array, (int) at, into, 0, n);
            }

            @Override
            public void write(long at, float[] from, int n) {
                System.arraycopy(from, 0, array, (int) at, n);
            }
        };
    }
}
