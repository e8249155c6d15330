// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.site;

import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Marks comments, strings and keywords of Java code that is already escaped for HTML. */
final class JavaColours {
    private static final Pattern BLOCK =
            Pattern.compile("(<code class=\"language-java\">)(.*?)(?=</code>)", Pattern.DOTALL);
    private static final Pattern TOKEN = Pattern.compile("""
            (?<comment>//[^\\n]*|/\\*(?s:.*?)\\*/)\
            |(?<string>&quot;&quot;&quot;(?s:.*?)&quot;&quot;&quot;|&quot;(?:\\\\.|[^\\\\\\n])*?&quot;)\
            |(?<keyword>\\b(?:abstract|assert|boolean|break|byte|case|catch|char|class|continue|default|do|double|else|\
            enum|extends|final|finally|float|for|if|implements|import|instanceof|int|interface|long|new|null|package|\
            private|protected|public|record|return|short|static|super|switch|this|throw|throws|try|var|void|while|\
            true|false|yield)\\b)""");

    private JavaColours() {
    }

    /** Colours the Java blocks of a page. */
    static String ofBlocks(String html) {
        return BLOCK.matcher(html).replaceAll(m -> Matcher.quoteReplacement(m.group(1) + of(m.group(2))));
    }

    /** Colours {@code code}, line by line, so that no mark spans two lines. */
    static String of(String code) {
        return TOKEN.matcher(code).replaceAll(m -> {
            String open = "<span class=\"" + kind(m) + "\">";
            return Matcher.quoteReplacement(open + m.group().replace("\n", "</span>\n" + open) + "</span>");
        });
    }

    private static String kind(MatchResult token) {
        return token.group("comment") != null ? "comment" : token.group("string") != null ? "string" : "keyword";
    }
}
