// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data.source;

import java.util.List;

/** Some adjacent documents of a file, read by one thread, so that another can unpack them. */
public interface Batch {
    /** Usual size of a batch, in bytes or chars: enough that passing it on costs nothing. */
    int SIZE = 1 << 18;
    /** A document of a record is at most so long, in bytes. */
    int MAX_RECORD = 1 << 25;
    /** {@link #MAX_RECORD} in words. */
    String MAX_WORDS = "32 MiB, the most that one document may have. Split it";

    /**
     * The documents. Call it once.
     *
     * @throws io.eslm.tensor.UserError naming the place of what is no document
     */
    List<Piece> pieces();

    /** Bytes of the file that were read before the next batch, in [0, size of the file]. */
    long position();

    /** One that is unpacked. */
    static Batch of(List<Piece> pieces, long position) {
        List<Piece> all = List.copyOf(pieces);
        return new Batch() {
            @Override
            public List<Piece> pieces() {
                return all;
            }

            @Override
            public long position() {
                return position;
            }
        };
    }
}
