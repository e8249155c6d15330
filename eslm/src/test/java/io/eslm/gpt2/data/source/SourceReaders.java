// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data.source;

import io.eslm.gpt2.data.source.Formats.Found;
import io.eslm.tensor.io.FileErrors;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** The readers of documents, on bytes in place of a file. */
public final class SourceReaders {
    private SourceReaders() {
    }

    /** A text, in pieces of a few chars. Pieces, joined, are the text; what is refused is not UTF-8, or has a NUL byte. */
    public static void text(byte[] bytes) {
        try {
            if (TextReader.check(new ByteArrayInputStream(bytes)).defect() != null) {
                return;
            }
            StringBuilder joined = new StringBuilder();
            TextReader.pieces(new ByteArrayInputStream(bytes), 16, 64, joined::append);
            String whole = new String(bytes, StandardCharsets.UTF_8);
            if (!whole.contentEquals(joined) && !whole.equals('\uFEFF' + joined.toString())) {
                throw new IllegalStateException("the pieces are not the text");
            }
        } catch (IOException e) {
            throw new IllegalStateException("refused only when it is read", e);
        }
    }

    /** A file of that name: its format is found, and all of its documents are read. */
    public static void file(String name, byte[] bytes, Path folder) throws IOException {
        Path path = Files.write(folder.resolve(name), bytes);
        try {
            Found found = Formats.of(new SourceFile(path, name), null, Columns.DEFAULT);
            try (SourceFile.Opened opened = found.file().open()) {
                found.reader().read(opened, Batch::pieces);
                opened.hash();
            }
        } catch (IOException e) {
            throw FileErrors.failed("read", path, e); // as the program does
        }
    }
}
