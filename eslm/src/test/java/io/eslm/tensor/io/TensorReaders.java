// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.io;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;

/** The readers of this package, on bytes in place of a file. */
public final class TensorReaders {
    private TensorReaders() {
    }

    /** What is sealed is whole, and what has another seal is not. */
    public static void sealed(byte[] bytes, Path folder) throws IOException {
        Path file = Files.write(folder.resolve("sealed.json"), bytes);
        SealedJson.fault(file);
        JsonObject object = Json.read(file).object();
        object.remove(SealedJson.FIELD);
        if (!object.isEmpty()) {
            Files.writeString(file, SealedJson.text(object));
            if (SealedJson.fault(file).isPresent()) {
                throw new IllegalStateException("a new seal does not fit");
            }
        }
    }

    public static Safetensors safetensors(byte[] bytes) {
        return Safetensors.of(Path.of("model.safetensors"), () -> {
        }, MemorySegment.ofArray(bytes));
    }
}
