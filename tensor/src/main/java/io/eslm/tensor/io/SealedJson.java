// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.io;

import com.google.gson.JsonObject;
import io.eslm.tensor.Checks;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * JSON files that know whether they are as they were written: the last field, {@value #FIELD}, is the CRC-32 of all bytes in
 * front of the comma before it, in eight hexadecimal digits. A file without the field, from before it existed, is not checked.
 */
public final class SealedJson {
    public static final String FIELD = "crc32";
    private static final String END = "\n}\n";
    private static final String SEAL = ",\n  \"" + FIELD + "\": \"";

    private SealedJson() {
    }

    /** The text of {@code object}, which has fields, with the checksum at its end; one that it has already is replaced. */
    public static String text(JsonObject object) {
        JsonObject open = object.deepCopy();
        open.remove(FIELD);
        String text = Json.pretty(open);
        Checks.check(text.endsWith(END), "text", "there are no fields to seal");
        String body = text.substring(0, text.length() - END.length());
        return body + seal(body);
    }

    private static String seal(String body) {
        return SEAL + FileSum.hex(body.getBytes(StandardCharsets.UTF_8)) + "\"" + END;
    }

    /**
     * How {@code file} differs from what was written; empty if it does not, or if it carries no checksum.
     *
     * @throws io.eslm.tensor.UserError if it cannot be read or is no JSON object
     */
    public static Optional<String> fault(Path file) {
        JsonObject object = Json.read(file).object();
        if (!object.has(FIELD)) {
            return Optional.empty();
        }
        try {
            String text = Files.readString(file);
            int at = text.lastIndexOf(SEAL);
            return at >= 0 && text.substring(at).equals(seal(text.substring(0, at))) ? Optional.empty()
                    : Optional.of("its text does not fit its checksum " + object.get(FIELD));
        } catch (IOException e) {
            throw FileErrors.failed("read", file, e);
        }
    }
}
