// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import io.eslm.tensor.io.Json;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;

/** The readers of this package, on bytes in place of a file. */
public final class DataReaders {
    private DataReaders() {
    }

    public static void meta(byte[] bytes) {
        Meta.of(Json.of(Path.of("meta.json"), bytes));
    }

    /** Every token of a file, and the check against a vocabulary. */
    public static void tokens(byte[] bytes) {
        TokenFile file = TokenFile.of(Path.of("train.bin"), MemorySegment.ofArray(bytes));
        int[] ids = new int[(int) file.size()];
        file.copy(0, ids, 0, ids.length);
        file.checkVocab(1 << 16);
        file.slice(ids.length / 2, ids.length).checkVocab(50257);
    }

    /** A name of data; written again, it is the same. */
    public static void spec(String text) {
        DataSpec spec = DataSpec.parse(text);
        if (spec.sources().size() > 1 && !DataSpec.parse(spec.text()).equals(spec)) {
            throw new IllegalStateException("another spec when it is read again");
        }
    }

    /** Whatever the index holds, a file has its own hash. */
    public static void index(byte[] bytes, Path folder) throws IOException {
        Path index = Files.write(folder.resolve("index"), bytes);
        Path file = folder.resolve("hashed");
        if (Files.notExists(file)) {
            Files.writeString(file, "a");
        }
        ContentIndex read = ContentIndex.open(index);
        if (!read.hash("a", file).equals("ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb")) {
            throw new IllegalStateException("another hash");
        }
        read.save();
    }

    public static void groff(String page) {
        Groff.text(page);
    }

    public static void java(String source) {
        JavaSource parsed = JavaSource.parse(source);
        parsed.code();
        CommentText.prose(parsed);
    }

    public static void javadoc(String comment) {
        Javadoc.text(comment);
        Javadoc.text(JavadocTags.plain(comment));
    }
}
