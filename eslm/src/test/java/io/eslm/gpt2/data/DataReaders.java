// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import io.eslm.tensor.io.Json;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
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

    /** A text file, in pieces of a few chars. Pieces, joined, are the text; what is refused is not UTF-8, or has a NUL byte. */
    public static void text(byte[] bytes, Path folder) throws IOException {
        Path file = Files.write(folder.resolve("text"), bytes);
        TextReader.Checked checked = TextReader.check(file);
        if (checked.defect() != null) {
            return;
        }
        StringBuilder joined = new StringBuilder();
        TextReader.pieces(file, 16, 64, joined::append);
        String whole = new String(bytes, StandardCharsets.UTF_8);
        if (!whole.contentEquals(joined) && !whole.equals('\uFEFF' + joined.toString())) {
            throw new IllegalStateException("the pieces are not the text");
        }
    }

    /** Documents in JSON lines: what {@code defect} finds, reading finds too. */
    public static void jsonLines(byte[] bytes, Path folder) throws IOException {
        Path file = Files.write(folder.resolve("text.jsonl"), bytes);
        try {
            String defect = JsonLines.defect(file);
            if (defect == null) {
                JsonLines.documents(file, _ -> {
                });
            }
        } catch (CharacterCodingException _) {
            // said of a text before its lines are read
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
