// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.collective;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Arrays;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import javax.net.ssl.SSLException;

/**
 * A conversation at the beginning of a connection, of two that must know the same secret. Each sends a random challenge, and every
 * later message has an HMAC-SHA-256 over both challenges, its number and its text; so the secret itself is never sent, and nothing
 * that was heard before can be said again. The text is not encrypted.
 */
final class Session implements AutoCloseable {
    /** Of what ranks say to each other; ranks of different versions do not work together. */
    static final int PROTOCOL = 2;
    private static final byte[] MAGIC = "ESLMRANK".getBytes(StandardCharsets.US_ASCII);
    /** The first byte of a connection that begins with TLS. */
    private static final byte TLS_HELLO = 22;
    private static final int NONCE = 32;
    private static final int PROOF = 32;
    private static final int LONGEST = 1 << 20;
    private static final SecureRandom RANDOM = new SecureRandom();

    private final Wire wire;
    private final byte[] secret;
    private final boolean caller;
    private final byte[] challenges = new byte[2 * NONCE];
    private int sent;
    private int heard;

    private Session(Wire wire, byte[] secret, boolean caller) {
        this.wire = wire;
        this.secret = secret.clone();
        this.caller = caller;
    }

    /** Begins a conversation on a pipe that this side has opened, or taken. */
    static Session begin(Pipe pipe, byte[] secret, boolean caller, long deadline) throws IOException {
        Session session = new Session(new Wire(pipe, deadline), secret, caller);
        try {
            session.wire.begin();
            session.challenge();
            return session;
        } catch (SSLException e) {
            session.close();
            throw new ProtocolException("TLS does not come about: " + e.getMessage()
                    + ". Give all ranks the same file with the key, or give it to none");
        } catch (IOException e) {
            session.close();
            throw e;
        }
    }

    private void challenge() throws IOException {
        byte[] mine = new byte[NONCE];
        RANDOM.nextBytes(mine);
        ByteBuffer hello = ByteBuffer.allocate(MAGIC.length + 4 + NONCE).put(MAGIC).putInt(PROTOCOL).put(mine).flip();
        if (caller) {
            wire.write(hello);
        }
        ByteBuffer theirs = wire.read(hello.capacity());
        byte[] magic = new byte[MAGIC.length];
        theirs.get(magic);
        if (!Arrays.equals(magic, MAGIC)) {
            throw new ProtocolException(magic[0] == TLS_HELLO ? "it uses TLS, and this rank does not"
                    : "it is no rank of a training");
        }
        if (!caller) {
            wire.write(hello);
        }
        int protocol = theirs.getInt();
        if (protocol != PROTOCOL) {
            throw new ProtocolException("it speaks version " + protocol + " of the protocol, and this rank version "
                    + PROTOCOL + "; give all ranks the same version of the program");
        }
        theirs.get(challenges, caller ? NONCE : 0, NONCE);
        System.arraycopy(mine, 0, challenges, caller ? 0 : NONCE, NONCE);
        if (caller) {
            receive(); // proves that it knows the secret, before it learns anything
        } else {
            send(new JsonObject());
        }
    }

    void send(JsonObject message) throws IOException {
        byte[] text = message.toString().getBytes(StandardCharsets.UTF_8);
        wire.write(ByteBuffer.allocate(4 + text.length + PROOF).putInt(text.length).put(text)
                .put(proof(caller, sent++, text)).flip());
    }

    JsonObject receive() throws IOException {
        int length = wire.read(4).getInt();
        if (length < 0 || length > LONGEST) {
            throw new ProtocolException("its message is not understood");
        }
        ByteBuffer message = wire.read(length + PROOF);
        byte[] text = new byte[length];
        byte[] proof = new byte[PROOF];
        message.get(text).get(proof);
        if (!MessageDigest.isEqual(proof, proof(!caller, heard++, text))) {
            throw new WrongSecretException();
        }
        try {
            return JsonParser.parseString(new String(text, StandardCharsets.UTF_8)).getAsJsonObject();
        } catch (JsonParseException | IllegalStateException e) {
            throw new ProtocolException("its message is not understood: " + e.getMessage());
        }
    }

    private byte[] proof(boolean ofCaller, int number, byte[] text) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            byte[] key = MessageDigest.getInstance("SHA-256").digest(secret); // also of a secret without a letter
            mac.init(new SecretKeySpec(key, "HmacSHA256"));
            mac.update((byte) (ofCaller ? 1 : 0));
            mac.update(ByteBuffer.allocate(4).putInt(number).flip());
            mac.update(challenges);
            return mac.doFinal(text);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JVM has HmacSHA256 and SHA-256", e);
        }
    }

    /** Ends the conversation; the pipe stays open. */
    @Override
    public void close() throws IOException {
        wire.close();
    }

    /** The other side does not know the secret. */
    static final class WrongSecretException extends IOException {
        private static final long serialVersionUID = 1L;

        private WrongSecretException() {
            super("its secret is another one");
        }
    }
}
