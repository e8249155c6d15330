// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class JavaSourceTest {
    private static final String SOURCE = """
            /*
             * Copyright (c) 1999, Somebody. All rights reserved.
             */

            package p; // trailing words that are long enough to be kept as prose here

            /**
             * Adds numbers. See {@link java.util.List#add(int, Object) the list} and {@code Map<K, V>}.
             * <p>Second paragraph, 2<sup>31</sup>&nbsp;&lt;&nbsp;x:
             * <ul>
             *   <li>one
             *   <li>two &amp; three
             * </ul>
             * <pre>{@code
             *     List<String> a;
             *       @Override b;
             * }</pre>
             * @author Nobody
             * @param <T> the type of it
             * @param n   the {@linkplain #size size},
             *            continued
             * @return The sum, or
             *   {@code -1}
             * @throws IllegalArgumentException if {@code n < 0}
             * @since 1.2
             */
            class A {
                String s = "// not a comment /* nor this */ \\" still";
                char c = '"'; /* short */ char d = '\\'';

                // The first line of a remark that goes on
                // over a second line and so is one remark.
                int f = 1/*x*/;
                String t = \"""
                        "quoted" // text
                        \""";
                // int dead = code();
                // dead.run(with, some, more, words, here, too);
            }
            """;

    @Test
    void codeHasNoComments() {
        assertEquals("""
                package p;

                class A {
                    String s = "// not a comment /* nor this */ \\" still";
                    char c = '"';  char d = '\\'';

                    int f = 1;
                    String t = \"""
                            "quoted" // text
                            \""";
                }
                """.replace("    ", "\t"), JavaSource.parse(SOURCE).code());
    }

    @Test
    void proseIsTheCommentsWithoutMarkup() {
        assertEquals("""
                trailing words that are long enough to be kept as prose here

                Adds numbers. See the list and Map<K, V>.
                Second paragraph, 2^31 < x:
                - one
                - two & three
                    List<String> a;
                      @Override b;
                <T>: the type of it
                n: the size, continued
                Returns the sum, or -1
                Throws IllegalArgumentException if n < 0

                The first line of a remark that goes on over a second line and so is one remark.
                """, CommentText.prose(JavaSource.parse(SOURCE)));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {@inheritDoc} If {@code a{b}c} is in {@link #map(List<A>, int)}.  | If a{b}c is in map(List<A>, int).
            {@return the size of {@link java.base/java.util.List}}  | Returns the size of java.util.List.
            A &ge; B &#64;home &#x41; &unknown; <a href="x">link</a> <!-- gone -->a<b | A ≥ B @home A &unknown; link a<b
            @deprecated use {@link Other#b} {@literal <now>} | Deprecated: use Other.b <now>
            Unclosed {@code tag and more text | Unclosed {@code tag and more text
            @return Returns the item | Returns the item
            @see Other | ''
            """)
    void tags(String comment, String text) {
        assertEquals(text, Javadoc.text(comment));
    }

    @Test
    void licencesAndUnclosedCommentsAreHarmless() {
        assertEquals("", CommentText.prose(JavaSource.parse("class A {} /* This file is under the GNU General\n"
                + " * Public License version 2, which is long enough to be prose */")));
        assertEquals("int a; \"open\n", JavaSource.parse("int a; \"open\n/** never closed").code());
        assertFalse(JavaSource.parse("/**/int a;").code().contains("/"));
    }

    @Test
    void manualPagesLoseTheirMarkup() {
        assertEquals("""
                NAME

                jx - does \\ "things" well

                OPTIONS

                -v: Says more. And more.
                - bullet point
                    jx -v  file
                """, Groff.text("""
                .\\" comment
                .TH "JX" "1"
                .SH NAME
                jx \\- does \\(rs \\(dqthings\\(dq
                well
                .SH "OPTIONS"
                .TP
                \\f[CR]\\-v\\f[R]
                Says more.
                And \\fBmore\\fP.
                .RS
                .IP \\(bu 2
                bullet
                point
                .EX
                jx \\-v  file
                .EE
                """));
    }
}
