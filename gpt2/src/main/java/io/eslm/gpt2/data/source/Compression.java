// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data.source;

import com.github.luben.zstd.ZstdInputStream;
import io.eslm.tensor.io.FileKind;
import java.io.IOException;
import java.io.InputStream;
import java.util.zip.GZIPInputStream;

/** How a file is compressed. */
enum Compression {
    NONE("nothing", ""), GZIP("gzip", "\\.gz(ip)?"), ZSTD("Zstandard", "\\.zstd?");

    private static final int BUFFER = 1 << 16;

    private final String words;
    private final String ending;

    Compression(String words, String ending) {
        this.words = words;
        this.ending = ending;
    }

    /** By the first bytes of a file. */
    static Compression of(byte[] head) {
        return FileKind.of(head).map(kind -> switch (kind) {
            case GZIP -> GZIP;
            case ZSTD -> ZSTD;
            default -> NONE;
        }).orElse(NONE);
    }

    /** The bytes before compression. */
    InputStream open(InputStream in) throws IOException {
        return switch (this) {
            case NONE -> in;
            case GZIP -> new GZIPInputStream(in, BUFFER);
            case ZSTD -> new ZstdInputStream(in);
        };
    }

    /** Its name. */
    String words() {
        return words;
    }

    /** The name of a file without the ending that says its compression. */
    String inner(String name) {
        return ending.isEmpty() ? name : name.replaceFirst("(?i)" + ending + "$", "");
    }
}
