// SPDX-License-Identifier: Apache-2.0
package io.eslm.serve;

import io.eslm.tensor.UserError;
import io.eslm.tensor.io.Json;
import java.util.Map;

/** Readers of this package, for the fuzzer. */
public final class ServeReaders {
    private static final CompletionReader READER =
            new CompletionReader(new ServedModel("small", Client.TOKENIZER, null, 64, 0), Client.options(Map.of()));

    private ServeReaders() {
    }

    /** The body of a request for completions. */
    public static void completion(byte[] bytes) {
        try {
            READER.read(bytes);
        } catch (ApiError e) {
            String message = Json.parse(e.json()).getAsJsonObject("error").get("message").getAsString();
            if (e.status() / 100 != 4) {
                throw new AssertionError(e.status() + ": " + message);
            }
            throw new UserError(message);
        }
    }
}
