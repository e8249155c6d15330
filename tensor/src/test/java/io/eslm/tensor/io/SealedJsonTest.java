// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import io.eslm.tensor.UserError;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SealedJsonTest {
    @TempDir
    private Path dir;

    private static JsonObject object() {
        JsonObject o = new JsonObject();
        o.addProperty("name", "Zoë");
        o.addProperty("rate", 0.1);
        return o;
    }

    /** The checksum of the text before the last comma, as any program computes it; 2fd089e4 is from Python's zlib.crc32. */
    @Test
    void theTextIsSealed() throws IOException {
        String text = SealedJson.text(object());
        String body = "{\n  \"name\": \"Zoë\",\n  \"rate\": 0.1";
        assertEquals(body + ",\n  \"crc32\": \"2fd089e4\"\n}\n", text);
        assertEquals("2fd089e4", FileSum.hex(body.getBytes(StandardCharsets.UTF_8)));
        Path file = Files.writeString(dir.resolve("a.json"), text);
        assertEquals(Optional.empty(), SealedJson.fault(file));
        assertEquals(text, SealedJson.text(Json.read(file).object()), "sealed again");
    }

    /** Every bit of the file: found, or no JSON any more, or, in the name of the field, without a checksum but unchanged. */
    @Test
    void everyFlippedBitIsFound() throws IOException {
        byte[] whole = SealedJson.text(object()).getBytes(StandardCharsets.UTF_8);
        for (int bit = 0; bit < whole.length * 8; bit++) {
            byte[] bytes = whole.clone();
            bytes[bit / 8] ^= (byte) (1 << (bit % 8));
            Path file = Files.write(dir.resolve("a.json"), bytes);
            try {
                JsonObject read = Json.read(file).object();
                if (SealedJson.fault(file).isEmpty()) {
                    assertTrue(!read.has(SealedJson.FIELD), new String(bytes, StandardCharsets.UTF_8));
                    object().asMap()
                            .forEach((name, value) -> assertEquals(value.toString(), read.get(name).toString()));
                }
            } catch (UserError _) {
                // found
            }
        }
    }

    @Test
    void otherFilesAreNotChecked() throws IOException {
        assertEquals(Optional.empty(), SealedJson.fault(Files.writeString(dir.resolve("a.json"), "{\"a\":1}")));
        assertTrue(SealedJson.fault(Files.writeString(dir.resolve("b.json"),
                SealedJson.text(object()).replace("\n  ", "\n"))).isPresent(), "a program has written it anew");
    }
}
