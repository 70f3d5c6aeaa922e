// A stand-in for a public studio as it is: it sends what such applications send to their tables, in the words in which
// PostgREST sends it for supabase-js, one request a transaction, and goes on whatever the answer is.
//
//   node studio.js WORKERS ROUNDS SEED    prints {"refused": {"what code": count}, "last": {pass id: pool}}
//
// Connects as node's pg does, by the PG* variables.
'use strict';

const { Client } = require('pg');
const { randomUUID } = require('crypto');

const refused = {};
const last = {};

function randomOf(seed) {
    let state = seed >>> 0;
    return (below) => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return Math.floor((state / 4294967296) * below);
    };
}

const listed = (body, from) => Object.keys(body).sort().map((name) => `${from}"${name}"`).join(', ');

class Window {
    async connect() {
        this.client = new Client();
        await this.client.connect();
        return this;
    }

    // One request: a transaction that says whose it is first. What is refused is counted, and an application reads on.
    async request(what, text, values) {
        try {
            await this.client.query('BEGIN');
            await this.client.query("SELECT set_config('search_path', 'public', true), set_config('request.jwt.claims', '{\"role\": \"service_role\"}', true)");
            const { rows } = await this.client.query(text, values);
            await this.client.query('COMMIT');
            return rows;
        } catch (error) {
            await this.client.query('ROLLBACK');
            refused[`${what} ${error.code}`] = (refused[`${what} ${error.code}`] || 0) + 1;
            return error.code;
        }
    }

    select(what, table, column, value) {
        return this.request(what, `WITH pgrst_source AS (SELECT "public"."${table}".* FROM "public"."${table}" WHERE "public"."${table}"."${column}" = $1 ` +
            'ORDER BY "mg_created_at" DESC LIMIT 50) SELECT to_jsonb(pgrst_source) AS row FROM pgrst_source', [value]);
    }

    insert(what, table, body, conflict) {
        const upsert = conflict ? ` ON CONFLICT("${conflict}") DO UPDATE SET ${Object.keys(body).sort().map((name) => `"${name}" = EXCLUDED."${name}"`).join(', ')}` : '';
        return this.request(what, `WITH pgrst_source AS (INSERT INTO "public"."${table}"(${listed(body, '')}) SELECT ${listed(body, 'pgrst_body.')} ` +
            `FROM (SELECT $1::json AS json_data) pgrst_payload, LATERAL (SELECT ${listed(body, '')} FROM json_populate_recordset(null::"public"."${table}", ` +
            `json_build_array(json_data))) pgrst_body${upsert} RETURNING "public"."${table}"."mg_created_at") SELECT count(*) FROM pgrst_source`, [JSON.stringify(body)]);
    }

    update(what, table, column, value, patch) {
        return this.request(what, `WITH pgrst_source AS (UPDATE "public"."${table}" SET ${Object.keys(patch).sort().map((name) => `"${name}" = pgrst_body."${name}"`).join(', ')} ` +
            `FROM (SELECT $1::json AS json_data) pgrst_payload, LATERAL (SELECT ${listed(patch, '')} FROM json_populate_record(null::"public"."${table}", json_data)) pgrst_body ` +
            `WHERE "public"."${table}"."${column}" = $2 RETURNING "public"."${table}".*) SELECT to_jsonb(pgrst_source) AS row FROM pgrst_source`, [JSON.stringify(patch), value]);
    }

    remove(what, column, value) {
        return this.request(what, `WITH pgrst_source AS (DELETE FROM "public"."mega_generations" WHERE "public"."mega_generations"."${column}" = $1 ` +
            'RETURNING "public"."mega_generations"."mg_id") SELECT mg_id FROM pgrst_source', [value]);
    }

    async customer(pass) {
        const rows = await this.select('customer read', 'mega_customers', 'mg_pass_id', pass);
        return rows.length ? rows[0].row : null;
    }

    // Each request: found or made with every column the application knows, then marked as seen.
    async visit(pass, more = {}) {
        if (!await this.customer(pass)) {
            const now = new Date().toISOString();
            await this.insert('customer insert', 'mega_customers', { mg_pass_id: pass, mg_credits: 0, mg_mma_preferences: {}, mg_last_active: now,
                mg_created_at: now, mg_updated_at: now, mg_source_system: 'app', mg_meta: {}, mg_topup_default_packs: 3, mg_disabled: false });
        }
        await this.update('customer seen', 'mega_customers', 'mg_pass_id', pass, { mg_last_active: new Date().toISOString() });
        await this.insert('customer upsert', 'mega_customers', { mg_pass_id: pass, ...more }, 'mg_pass_id');
    }

    // Row, balance, the application's own sum, row again. A duplicate is "applied already".
    async credit(what, pass, delta, type, id, reason) {
        const mg_id = `credit_transaction:${randomUUID()}`;
        const now = new Date().toISOString();
        const code = await this.insert(what, 'mega_generations', { mg_id, mg_record_type: 'credit_transaction', mg_pass_id: pass, mg_delta: delta, mg_reason: reason,
            mg_ref_type: type, mg_ref_id: id, mg_status: 'pending', mg_created_at: now, mg_event_at: now, mg_meta: {} });
        if (typeof code === 'string') return code;
        const { mg_credits: before } = await this.customer(pass);
        await this.update('credit sum', 'mega_customers', 'mg_pass_id', pass, { mg_credits: before + delta });
        await this.update('credit done', 'mega_generations', 'mg_id', mg_id,
            { mg_status: 'succeeded', mg_meta: { credits_before: before, credits_after: before + delta } });
        return 'done';
    }

    async charge(pass, id, amount) {
        const found = await this.customer(pass);
        if (found.mg_credits >= amount) await this.credit('charge', pass, -amount, 'mma_charge', `mma:${id}`, 'mma');
    }

    // On reading a balance whose end has passed.
    async expire(pass, found) {
        if (!found.mg_expires_at || new Date(found.mg_expires_at) > new Date() || found.mg_credits <= 0) return;
        await this.update('expiry zero', 'mega_customers', 'mg_pass_id', pass, { mg_credits: 0 });
        await this.insert('expiry', 'mega_generations', { mg_id: `credit_transaction:${randomUUID()}`, mg_record_type: 'credit_transaction', mg_pass_id: pass,
            mg_delta: -found.mg_credits, mg_reason: 'expiration', mg_ref_type: 'expiration', mg_ref_id: `exp_${pass}_${Date.now()}_${randomUUID()}`, mg_status: 'succeeded' });
    }

    async generation(pass, id, session, random) {
        const mode = ['still', 'video', 'fingertips'][random(3)];
        const key = `generation:${id}`;
        const word = (status, more = {}) => this.update(`status ${status}`, 'mega_generations', 'mg_id', key, { mg_status: status, mg_mma_status: status, ...more });
        await this.insert('generation', 'mega_generations', { mg_id: key, mg_record_type: 'generation', mg_pass_id: pass, mg_generation_id: id, mg_session_id: session,
            mg_mma_mode: mode, mg_mma_status: 'queued', mg_status: 'queued', mg_mma_vars: { mode }, mg_cost_document: { usd: 0.04 } });
        await word('prompting');
        if (random(3) === 0) await word('scanning'); // backwards: refused
        await this.step(pass, id, 0, { input: { brief: 'b' }, output: { prompt: 'p' }, timing: {}, error: null });
        if (mode === 'video') await word('suggested', { mg_prompt: 'a slow pan' });
        await word('generating');
        await this.step(pass, id, 1, { override: { prompt: 'q' }, timing: {}, error: null });
        await this.step(pass, id, 1, { input: {}, output: {} }); // counted by two windows: a duplicate
        await this.update('vars', 'mega_generations', 'mg_id', key, { mg_mma_vars: { mode, prompts: { clean: 'p' }, userMessages: { scan_lines: ['a', 'b'] } } });
        await word('postscan');
        if (random(4) === 0) await word('error', { mg_error: { message: 'refused' }.message });
        else {
            if (random(3) === 0) await word('done', { mg_output_url: 'https://tos.example.com/a.png?X-Tos-Algorithm=TOS4-HMAC-SHA256&X-Tos-Signature=5f0c' });
            await word('done', { mg_output_url: `https://assets.example.com/${id}.png` });
        }
    }

    step(pass, id, number, payload) {
        return this.insert('step', 'mega_generations', { mg_id: `mma_step:${id}:${number}`, mg_record_type: 'mma_step', mg_pass_id: pass, mg_generation_id: id,
            mg_parent_id: `generation:${id}`, mg_step_no: number, mg_step_type: number ? 'override' : 'gpt_reader', mg_payload: payload });
    }

    // The event, then the snapshot that was read, merged here and written back whole, with keys of its own.
    async event(pass, id, type, payload, own) {
        await this.insert('event', 'mega_generations', { mg_id: `mma_event:${randomUUID()}`, mg_record_type: 'mma_event', mg_pass_id: pass, mg_generation_id: id,
            mg_meta: { event_type: type, payload } });
        const found = await this.customer(pass);
        const before = found.mg_mma_preferences;
        const merged = { ...before, hard_blocks: [...new Set([...(before.hard_blocks || []), ...(payload.hard_block ? [payload.hard_block] : [])])],
            tag_weights: { ...(before.tag_weights || {}), theirs: 1 }, pool: own };
        const rows = await this.update('preferences', 'mega_customers', 'mg_pass_id', pass, { mg_mma_preferences: merged, mg_mma_preferences_updated_at: new Date().toISOString() });
        if (rows.length === 1) last[pass] = own;
    }

    async office(worker, round) {
        const audit = { mg_id: `admin_audit:${worker}-${round}`, mg_record_type: 'admin_audit', mg_action: 'grant', mg_detail: { round } };
        await this.insert('audit', 'mega_admin', audit, 'mg_id');
        const hash = `hash-${worker}`;
        await this.insert('admin session', 'mega_admin', { mg_id: `admin_session:${hash}`, mg_record_type: 'admin_session', mg_session_hash: hash, mg_last_seen_at: new Date().toISOString() }, 'mg_id');
        await this.insert('config', 'mega_admin', { mg_id: `app_config:price-${worker}`, mg_record_type: 'app_config', mg_key: `price-${worker}`, mg_value: round }, 'mg_id');
        await this.insert('config version', 'mega_admin', { mg_id: `app_config:price-${worker}.v${round}`, mg_record_type: 'app_config', mg_key: `price-${worker}`, mg_value: round }, 'mg_id');
        await this.insert('error row', 'mega_admin', { mg_id: randomUUID(), mg_record_type: 'error', mg_code: 'E1', mg_message: 'm', mg_stack: 's' });
    }
}

async function work(worker, rounds, random) {
    const one = await new Window().connect();
    const own = worker % 3 === 0 ? randomUUID() : worker % 3 === 1 ? `pass:anon:${randomUUID()}` : `pass:shopify:90${worker}`;
    const admin = `admin-${worker % 4}`;
    await one.insert('sign-up', 'mega_customers', { mg_pass_id: own, mg_credits: 20, mg_mma_preferences: {}, mg_created_at: new Date().toISOString() });
    await one.credit('sign-up row', own, 20, 'free_signup', own, 'free-signup');
    for (let round = 1; round <= rounds; ++round) {
        const shared = `pass:shopify:${1 + random(5)}`;
        const id = `w${worker}-${round}`;
        await one.visit(own, { mg_email: `w${worker}@example.com` });
        await one.visit(shared);
        await one.insert('session', 'mega_generations', { mg_id: `session:s${worker}`, mg_record_type: 'session', mg_pass_id: own, mg_session_id: `s${worker}` });
        await one.credit('order', shared, 50, 'shopify_order', `${round}-${random(3)}`, 'shopify-order'); // all workers see these orders
        await one.credit('admin grant', shared, 2, 'admin', admin, 'manual');
        await one.generation(own, id, `s${worker}`, random);
        await one.charge(shared, id, 10);
        await one.charge(own, `${id}-own`, 4);
        for (const type of ['view', ['like', 'dislike', 'download', 'preference_set', 'create', 'share', 'unknown'][random(7)]])
            await one.event(own, id, type, { tag: `tag.${random(3)}`, ...(type === 'dislike' ? { hard_block: `block.${worker}` } : {}) }, [`look-${id}-${type}`]);
        await one.office(worker, round);
        if (round % 2 === 0) {
            const gone = await one.remove('delete', 'mg_id', `generation:${id}`);
            if (gone.length === 0) await one.remove('delete by generation', 'mg_generation_id', id);
        }
    }
    await one.client.end();
}

// Two windows of one customer find the same balance expired.
async function expireTwice(number) {
    const pass = `pass:shopify:80${number}`;
    const [one, two] = [await new Window().connect(), await new Window().connect()];
    await one.visit(pass);
    await one.credit('order', pass, 30, 'shopify_order', `exp-${number}`, 'shopify-order');
    await one.update('expiry set', 'mega_customers', 'mg_pass_id', pass, { mg_expires_at: new Date(Date.now() - 1000).toISOString() });
    const found = await Promise.all([one.customer(pass), two.customer(pass)]);
    await Promise.all([one.expire(pass, found[0]), two.expire(pass, found[1])]);
    await Promise.all([one.client.end(), two.client.end()]);
}

async function main(workers, rounds, seed) {
    const running = [];
    for (let worker = 1; worker <= workers; ++worker) running.push(work(worker, rounds, randomOf(seed + worker)));
    await Promise.all(running);
    await Promise.all([...Array(10).keys()].map(expireTwice));
    return { refused, last };
}

main(...process.argv.slice(2).map(Number)).then(
    (result) => process.stdout.write(`${JSON.stringify(result)}\n`),
    (error) => {
        process.stderr.write(`${error.stack}\n`);
        process.exit(1);
    });
