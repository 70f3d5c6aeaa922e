SELECT mg_value FROM mega_admin WHERE mg_id = 'app_config' || chr(58) || 'prices';
