// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.library;

import java.util.regex.Pattern;

/** The code that README.md shows. */
public final class Readme {
    private Readme() {}

    /**
     * The first block of code below a heading.
     *
     * @param heading without its signs, such as "As a library"
     * @param language as the block names it: "java", "xml", or "" for commands and output
     * @throws AssertionError if there is none before the next heading
     */
    public static String block(String heading, String language) {
        String section = Published.find("\n## " + Pattern.quote(heading) + "\n(.*?)(?=\n## |$)", "README.md");
        String[] parts = section.split("(?m)^```"); // text, block, text, …
        for (int i = 1; i < parts.length; i += 2) {
            if (parts[i].startsWith(language + "\n")) {
                return parts[i].substring(language.length() + 1);
            }
        }
        throw new AssertionError("README.md has no block of " + language + " below '" + heading + "'");
    }
}
