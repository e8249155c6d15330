// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark.data;

import io.eslm.gpt2.data.source.Formats.Format;
import java.io.Serializable;
import java.net.URI;

/**
 * Some adjacent documents of a file: all, or those that begin in some of its bytes.
 *
 * @param file number of the file in the corpus
 * @param source number of its source
 * @param domain of its documents, unless a field says it
 * @param cuts where it can be cut
 * @param begin first byte
 * @param read of a text, where its reading goes on after the bytes from {@code begin} on
 * @param end the byte after the last one; those of the file if all of it is read
 * @param modified when the file was, in ms
 */
record Slice(int file, int source, URI uri, String place, String name, Format format, String domain, Cuts cuts,
        long begin,
        long read, long end, long size, long modified) implements Serializable {
    /** Whether it is all of the file. */
    boolean isWhole() {
        return begin == 0 && end == size;
    }

    /** Some of its bytes, between places where it can be cut. */
    Slice of(long from, long to) {
        return new Slice(file, source, uri, place, name, format, domain, Cuts.NONE, from, cuts.read(from), to, size,
                modified);
    }

    /** A file as a slice of all of it. */
    static Slice whole(int file, int source, URI uri, String place, String name, Format format, String domain,
            Cuts cuts,
            long size, long modified) {
        return new Slice(file, source, uri, place, name, format, domain, cuts, 0, 0, size, size, modified);
    }
}
