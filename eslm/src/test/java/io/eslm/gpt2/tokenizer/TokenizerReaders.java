// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.tokenizer;

import io.eslm.gpt2.format.Pickle;
import java.util.Map;
import io.eslm.tensor.io.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** The readers of this package, on bytes in place of a file. */
public final class TokenizerReaders {
    private TokenizerReaders() {
    }

    public static void json(byte[] bytes) {
        TokenizerJson.of(Json.of(Path.of("tokenizer.json"), bytes), Map.of());
    }

    public static void pickle(byte[] bytes) {
        Pickle.of(Path.of("meta.pkl"), bytes);
    }

    public static void characters(byte[] bytes, Path folder) throws IOException {
        CharTokenizer.readMeta(Files.write(folder.resolve("meta.pkl"), bytes));
    }

    public static void ranks(byte[] bytes) {
        TiktokenFile.of(Path.of("ranks"), new String(bytes, StandardCharsets.ISO_8859_1).lines().toList());
    }
}
